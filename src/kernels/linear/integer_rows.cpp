// Integer products for one to kRowTokens tokens: bound by memory, so the rows
// are read once, where they lie, and decoded in registers.
//
// One row after the other, so that the file is read from front to back, with
// requests a fixed distance ahead: what has been requested then lies in
// consecutive lines, which no cache throws out before their turn. The sixteen
// accumulators of an output are lanes of a vector; those of kN rows wait in the
// cache until they are turned into lanes of rows and joined.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/integer_rows.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/linear/integer_job.h"
#include "kernels/simd/byte_dot-inl.h"

#include "kernels/linear/weight_codes-inl.h"  // after byte_dot-inl.h

#include "kernels/linear/block_scales-inl.h"  // after weight_codes-inl.h

#include "kernels/linear/weight_rows-inl.h"  // after block_scales-inl.h

#include "kernels/linear/row_streams-inl.h"  // after weight_rows-inl.h

#include "kernels/linear/with_codes-inl.h"  // after weight_codes-inl.h

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void Rows(const IntegerJob& job, std::byte*) {
  plain_integer_product(job);
}

#else

// Span `span` of a row, whose codes begin at `from`, with every token to acc.
// kTail: only `units` of its units lie in the row.
template <int T, int kPlanes, bool kAffine, bool kWide, bool kTail, class Codes>
HWY_INLINE void add_span(
    const Codes& codes,
    const uint8_t* from,
    int64_t units,
    const RowInput<T, kPlanes, kAffine>& x,
    const RowFactors<kAffine>& factors,
    int64_t span,
    VecF* acc) {
  const TagI d;
  const TagF df;
  const TagI8 d8;
  constexpr int kUnitsInGroup = kGroupBlocks / kUnit;
  VecU8 a[kSpanUnits];
  VecU8 b[kSpanUnits];
  for (int u = 0; u < kSpanUnits; ++u)
    codes.load(from + u * Codes::kUnitBytes, a[u], b[u]);
  const VecF scale = factors.scales(span);
#pragma GCC unroll 4
  for (int t = 0; t < T; ++t) {
    VecI sums[kSpanUnits];
    for (int u = 0; u < kSpanUnits; ++u) {
      // Beyond the row's end the factors are zeros: any codes will do.
      const int unit = !kTail || u < units ? u : 0;
      const int8_t* at = x.codes[t] + span * x.kSpanBytes +
                         unit / kUnitsInGroup * x.kGroupBytes +
                         unit % kUnitsInGroup * kUnit * 16;
      sums[u] = hn::Zero(d);
      for (int p = 0; p < kPlanes; ++p, at += kGroupColumns) {
        if (p == 1)
          sums[u] = hn::ShiftLeft<8>(sums[u]);
        sums[u] = dot<kWide>(sums[u], a[u], hn::LoadU(d8, at));
        sums[u] = dot<kWide>(sums[u], b[u], hn::LoadU(d8, at + 64));
      }
    }
    VecI sum = sum_blocks4(sums);
    if (!kAffine)
      sum = hn::Add(sum, hn::LoadU(d, x.offsets[t] + span * kN));
    const VecF factor = hn::Mul(hn::LoadU(df, x.scales[t] + span * kN), scale);
    acc[t] = fused(hn::ConvertTo(df, sum), factor, acc[t]);
    if (kAffine)
      acc[t] = fused(
          hn::LoadU(df, x.scaled_sums[t] + span * kN),
          factors.biases(span),
          acc[t]);
  }
}

// Spans of a row that decoders, which read whole vectors, may read where they
// lie: complete ones, of which nothing lies beyond the weight's last byte.
template <class Codes>
HWY_INLINE int64_t spans_in_file(const WeightView& weight, int64_t row) {
  constexpr int64_t kSpanBytes = kSpanUnits * Codes::kUnitBytes;
  const int64_t complete = weight.cols / (32 * kN);
  const int64_t readable = (weight.rows - 1 - row) * weight.row_bytes +
                           weight.cols * kSpanBytes / (32 * kN);
  constexpr int64_t kBeyond = Codes::kReadBytes - Codes::kUnitBytes;
  const int64_t whole =
      readable < kBeyond ? 0 : (readable - kBeyond) / kSpanBytes;
  return whole < complete ? whole : complete;
}

// The 16 accumulators of one row and each token, [T][kN rows][16] at `sums`.
template <int T, int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_INLINE void add_row(
    const Codes& codes,
    const WeightView& weight,
    int64_t row,
    const RowInput<T, kPlanes, kAffine>& x,
    const RowFactors<kAffine>& factors,
    float* sums) {
  constexpr int64_t kSpanBytes = kSpanUnits * Codes::kUnitBytes;
  const uint8_t* from =
      reinterpret_cast<const uint8_t*>(weight.data) + row * weight.row_bytes;
  const int64_t in_file = spans_in_file<Codes>(weight, row);
  VecF acc[kSumVecs][T];
  for (int v = 0; v < kSumVecs; ++v)
    for (int t = 0; t < T; ++t)
      acc[v][t] = hn::Zero(TagF());
  int64_t span = 0;
  for (; span + kSumVecs <= in_file; span += kSumVecs)
    for (int v = 0; v < kSumVecs; ++v) {
      const uint8_t* at = from + (span + v) * kSpanBytes;
      prefetch_lines(at + kAheadBytes, kSpanBytes);
      add_span<T, kPlanes, kAffine, kWide, false>(
          codes, at, kSpanUnits, x, factors, span + v, acc[v]);
    }
  const int64_t units =
      (weight.cols + 32 * kUnit - 1) / (32 * kUnit) - span * kSpanUnits;
  if (units > 0) {
    // Less than kSumVecs spans, one that is not complete, and one that reads
    // beyond the weight.
    HWY_ALIGN uint8_t copy[(kSumVecs + 2) * kSpanBytes + 128] = {};
    const int64_t used = weight.cols * kSpanBytes / (32 * kN);
    __builtin_memcpy(
        copy,
        from + span * kSpanBytes,
        static_cast<size_t>(used - span * kSpanBytes));
    for (int64_t i = 0; i * kSpanUnits < units; ++i)
      for (int v = 0; v < kSumVecs; ++v)
        if (v == i % kSumVecs)
          add_span<T, kPlanes, kAffine, kWide, true>(
              codes,
              copy + i * kSpanBytes,
              units - i * kSpanUnits,
              x,
              factors,
              span + i,
              acc[v]);
  }
  for (int t = 0; t < T; ++t)
    for (int v = 0; v < kSumVecs; ++v)
      hn::StoreU(acc[v][t], TagF(), sums + t * kN * kIntegerSums + v * kN);
}

// The accumulators of kN rows, [kN][16], to their outputs, a lane a row.
HWY_INLINE VecF join_sums(const float* sums) {
  VecF y = hn::Zero(TagF());
  for (int v = 0; v < kSumVecs; ++v) {
    VecI turned[4][kUnit];
    for (int q = 0; q < kUnit; ++q) {
      VecI rows[4];
      for (int i = 0; i < 4; ++i)
        rows[i] = hn::BitCast(
            TagI(),
            hn::LoadU(TagF(), sums + (4 * q + i) * kIntegerSums + v * kN));
      VecI columns[4];
      transpose4(rows, columns);
      for (int u = 0; u < 4; ++u)
        turned[u][q] = columns[u];
    }
    for (int u = 0; u < 4; ++u) {
      VecI blocks[kUnit];
      transpose_blocks(turned[u], blocks);
      for (int j = 0; j < kUnit; ++j)
        y = hn::Add(y, hn::BitCast(TagF(), blocks[j]));
    }
  }
  return y;
}

template <int T, int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_NOINLINE void rows_of_tokens(const IntegerJob& job, std::byte* scratch) {
  const WeightView& weight = *job.weight;
  const Codes codes;
  RowInput<T, kPlanes, kAffine> x;
  scratch = x.template prepare<Codes::kNatural>(job, scratch);
  RowFactors<kAffine> factors(weight, reinterpret_cast<float*>(scratch));
  HWY_ALIGN float sums[T * kN * kIntegerSums] = {};
  prefetch_lines(
      reinterpret_cast<const uint8_t*>(weight.data) +
          job.row_begin * weight.row_bytes,
      kAheadBytes);
  for (int64_t first = job.row_begin; first < job.row_end; first += kN) {
    for (int i = 0; i < kN && first + i < job.row_end; ++i) {
      factors.load(first + i);
      add_row<T, kPlanes, kAffine, kWide>(
          codes, weight, first + i, x, factors, sums + i * kIntegerSums);
    }
    for (int t = 0; t < T; ++t)
      store_rows(
          join_sums(sums + t * kN * kIntegerSums),
          first,
          job.row_end,
          job.y + t * job.y_stride + (first - job.row_begin));
  }
}

template <int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_INLINE void all_rows(const IntegerJob& job, std::byte* scratch) {
  switch (job.count) {
    case 1:
      return rows_of_tokens<1, kPlanes, kAffine, kWide, Codes>(job, scratch);
    case 2:
      return rows_of_tokens<2, kPlanes, kAffine, kWide, Codes>(job, scratch);
    case 3:
      return rows_of_tokens<3, kPlanes, kAffine, kWide, Codes>(job, scratch);
    default:
      return rows_of_tokens<4, kPlanes, kAffine, kWide, Codes>(job, scratch);
  }
}

struct RunRows {
  const IntegerJob& job;
  std::byte* scratch;

  template <int kPlanes, bool kAffine, bool kWide, class Codes>
  HWY_INLINE void run() const {
    all_rows<kPlanes, kAffine, kWide, Codes>(job, scratch);
  }
};

void Rows(const IntegerJob& job, std::byte* scratch) {
  with_codes(job, RunRows{job, scratch});
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(Rows);

void integer_rows(const IntegerJob& job, std::byte* scratch) {
  HWY_DYNAMIC_DISPATCH(Rows)(job, scratch);
}

int64_t integer_rows_bytes(int64_t cols) {
  const int64_t blocks = padded_blocks(cols);
  const int64_t token =
      integer_row_bytes(ActivationFormat::int8, cols) + 2 * 4 * blocks;
  return kRowTokens * token + 2 * 4 * (blocks + kIntegerSums);
}

}  // namespace hadal
#endif
