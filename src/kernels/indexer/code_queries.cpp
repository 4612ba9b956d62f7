// A token's queries to signed bytes, turned so that lanes are heads.
#include "kernels/indexer/score_codes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/indexer/code_queries.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/turn-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Twice the E2M1 number next to x, |x| <= 6, ties to the even code: the spacing
// is 1/2 below 2, 1 below 4, then 2.
HWY_INLINE FloatVec twice_e2m1(FloatVec x) {
  const Floats d;
  const FloatVec two = hn::Set(d, 2.0f);
  const FloatVec magnitude = hn::Abs(x);
  const FloatVec fine = hn::Round(hn::Add(x, x));
  const FloatVec middle = hn::Mul(hn::Round(x), two);
  const FloatVec coarse =
      hn::Mul(hn::Round(hn::Mul(x, hn::Set(d, 0.5f))), hn::Set(d, 4.0f));
  return hn::IfThenElse(
      hn::Lt(magnitude, two),
      fine,
      hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 4.0f)), middle, coarse));
}

// Block `block` of a head: doubled codes times `factor` / scale as bytes, to
// its words among those of the head.
HWY_INLINE void block_codes(
    const float* q,
    float inverse_scale,
    float factor,
    int64_t dim,
    int64_t block,
    int8_t* bytes) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const hn::Rebind<int8_t, Floats> d8;
  const FloatVec inverse = hn::Set(d, inverse_scale);
  const FloatVec power = hn::Set(d, factor);
  const auto store = [&](FloatVec x, int8_t* to) {
    const FloatVec code = hn::Mul(twice_e2m1(hn::Mul(x, inverse)), power);
    hn::StoreU(hn::DemoteTo(d8, hn::ConvertTo(di, code)), d8, to);
  };
  int8_t* low = bytes + 16 * block;
  for (int64_t i = 0; i < 16; i += kWidth) {
    FloatVec even;
    FloatVec odd;
    hn::LoadInterleaved2(d, q + kCodeBlock * block + 2 * i, even, odd);
    store(even, low + i);
    store(odd, low + dim / 2 + i);
  }
}

HWY_INLINE float power_of(int exponent) {
  const uint32_t bits = static_cast<uint32_t>(exponent + 127) << 23;
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

// The exponent of the scale of spec 8.2, and kZeroBlock for a block of zeros.
constexpr int kZeroBlock = -1000;
HWY_INLINE int block_exponent(const float* q) {
  const Floats d;
  FloatVec largest = hn::Zero(d);
  for (int64_t i = 0; i < kCodeBlock; i += kWidth)
    largest = hn::Max(largest, hn::Abs(hn::LoadU(d, q + i)));
  const float amax = hn::GetLane(hn::MaxOfLanes(d, largest));
  if (amax == 0)
    return kZeroBlock;
  constexpr float kFloor = 0x1.8p-124f;  // 6 * 2^-126
  const float ratio = (amax > kFloor ? amax : kFloor) * (1.0f / 6.0f);
  uint32_t bits;
  __builtin_memcpy(&bits, &ratio, sizeof(bits));
  return static_cast<int>(bits >> 23) - 127 + ((bits & 0x7FFFFFu) != 0 ? 1 : 0);
}

// Exponents [heads, blocks] and the smallest of each head; whether those of
// every head lie near to one another.
HWY_INLINE bool find_exponents(
    const float* q,
    int64_t heads,
    int64_t blocks,
    int32_t* exponents,
    int32_t* bases) {
  bool narrow = true;
  for (int64_t head = 0; head < heads; ++head) {
    int low = 1000;
    int high = -1000;
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t block = head * blocks + b;
      exponents[block] = block_exponent(q + kCodeBlock * block);
      if (exponents[block] == kZeroBlock)
        continue;
      low = exponents[block] < low ? exponents[block] : low;
      high = exponents[block] > high ? exponents[block] : high;
    }
    bases[head] = high < low ? 0 : low;
    narrow = narrow && high - low <= kQueryDoublings;
  }
  return narrow;
}

// The codes of one head, and its column of the arrays.
HWY_INLINE void head_codes(
    const float* q,
    float weight,
    int64_t head,
    const int32_t* exponents,
    int base,
    int8_t* bytes,
    CodeQueries& out) {
  const int64_t stride = out.padded_heads();
  for (int64_t b = 0; b < out.blocks(); ++b) {
    const bool zero = exponents[b] == kZeroBlock;
    const int above = zero ? 0 : exponents[b] - base;
    const float factor = power_of(above > 60 ? 60 : above);
    block_codes(
        q,
        zero ? 1.0f : power_of(-exponents[b]),
        out.narrow ? factor : 1.0f,
        out.dim,
        b,
        bytes);
    out.factors.data()[b * stride + head] = out.narrow ? 1.0f : factor;
  }
  out.weights.data()[head] = weight * power_of(base);
}

// biases[b] = -kCodeOffset * the sum of block b's codes, and their sum last.
HWY_INLINE void find_biases(CodeQueries& out) {
  const int64_t stride = out.padded_heads();
  const int64_t half = out.words() / 2;
  int32_t* const all = out.biases.data() + out.blocks() * stride;
  for (int64_t head = 0; head < stride; ++head)
    all[head] = 0;
  for (int64_t b = 0; b < out.blocks(); ++b)
    for (int64_t head = 0; head < stride; ++head) {
      int sum = 0;
      for (int64_t i = 0; i < 8; ++i) {
        const int64_t w = 4 * b + i % 4 + i / 4 * half;
        const uint32_t word = out.codes.data()[w * stride + head];
        for (int byte = 0; byte < 4; ++byte)
          sum += static_cast<int8_t>(word >> (8 * byte) & 255u);
      }
      out.biases.data()[b * stride + head] = -kCodeOffset * sum;
      all[head] -= kCodeOffset * sum;
    }
}

void indexer_query_codes(
    const float* q, const float* weights, uint32_t* scratch, CodeQueries& out) {
  const int64_t words = out.words();
  const int64_t stride = out.padded_heads();
  const int64_t blocks = out.blocks();
  uint32_t* const rows = scratch;  // [16, words]
  uint32_t* const fours = rows + kCodeHeadLanes * words;
  uint32_t* const columns = fours + kCodeHeadLanes * words;
  int32_t* const exponents =
      reinterpret_cast<int32_t*>(columns + kCodeHeadLanes * words);
  int32_t* const bases = exponents + out.heads * blocks;
  out.narrow = find_exponents(q, out.heads, blocks, exponents, bases);
  for (int64_t first = 0; first < stride; first += kCodeHeadLanes) {
    for (int64_t h = 0; h < kCodeHeadLanes; ++h) {
      const int64_t head = first + h;
      int8_t* const bytes = reinterpret_cast<int8_t*>(rows + h * words);
      if (head < out.heads) {
        head_codes(
            q + head * out.dim,
            weights[head],
            head,
            exponents + head * blocks,
            bases[head],
            bytes,
            out);
        continue;
      }
      for (int64_t i = 0; i < out.dim; ++i)
        bytes[i] = 0;
      out.weights.data()[head] = 0;
      for (int64_t b = 0; b < blocks; ++b)
        out.factors.data()[b * stride + head] = 1;
    }
    turn_sixteen<uint32_t>(rows, words, words, fours, columns);
    for (int64_t w = 0; w < words; ++w)
      __builtin_memcpy(
          out.codes.data() + w * stride + first,
          columns + w * kCodeHeadLanes,
          kCodeHeadLanes * sizeof(uint32_t));
  }
  find_biases(out);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(indexer_query_codes);

void code_queries(
    const float* q,
    const float* weights,
    int64_t heads,
    int64_t dim,
    CodeQueries& out) {
  out.heads = heads;
  out.dim = dim;
  const int64_t padded = out.padded_heads();
  out.codes.reserve(out.words() * padded);
  out.biases.reserve((out.blocks() + 1) * padded);
  out.factors.reserve(out.blocks() * padded);
  out.weights.reserve(padded);
  HWY_DYNAMIC_DISPATCH(indexer_query_codes)
  (q,
   weights,
   out.scratch.reserve(
       3 * kCodeHeadLanes * out.words() + heads * (out.blocks() + 1)),
   out);
}

}  // namespace hadal
#endif  // HWY_ONCE
