// What a product of few tokens reads beside the codes of the weight: the
// tokens' own codes and factors, and the scales and biases of a row.
//
// Included once per target, after weight_rows-inl.h; not for HWY_SCALAR.
#if defined(HADAL_ROW_STREAMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_ROW_STREAMS_INL_H_
#undef HADAL_ROW_STREAMS_INL_H_
#else
#define HADAL_ROW_STREAMS_INL_H_
#endif

#include "kernels/linear/scale_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

// Four units make a span: kN blocks, whose sums fill a vector. Lane 4 j + u
// belongs to block j of unit u, as sum_blocks4 leaves them.
constexpr int kSpanUnits = 4;
constexpr int kSpanGroups = kN / static_cast<int>(kGroupBlocks);
// Vectors that hold the 16 accumulators of an output; span c adds to number
// c mod kSumVecs.
constexpr int kSumVecs = static_cast<int>(kIntegerSums) / kN;
constexpr int span_block(int lane) {
  return lane % 4 * kUnit + lane / 4;
}

HWY_INLINE void prefetch_lines(const uint8_t* from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64)
    __builtin_prefetch(from + i, 0, 3);
}

// How far ahead of the codes in use requests run, in the order of the file:
// some times what memory delivers in the time of one request, and a quarter of
// a first cache, so that what has been requested is there when it is due.
constexpr int64_t kAheadBytes = 12 * 1024;

// Of four rows side by side: the next four.
HWY_INLINE int64_t bytes_ahead_of_four(const WeightView& weight) {
  const int64_t four = 4 * weight.row_bytes;
  return four < 8 * 1024 ? 8 * 1024 : four;
}

// dot() with codes of activations where they lie.
template <bool kWide>
HWY_INLINE VecI dot_at(VecI acc, VecU8 w, const int8_t* x) {
#if HWY_TARGET == HWY_AVX3_DL
  asm("vpdpbusd %2, %1, %0"
      : "+v"(acc.raw)
      : "v"(w.raw), "m"(*reinterpret_cast<const __m512i*>(x)));
  return acc;
#else
  return dot<kWide>(acc, w, hn::LoadU(TagI8(), x));
#endif
}

// The tokens of a job: where their groups begin, their codes in the order of
// the weight's (which for natural orders is a copy), and the factors of their
// blocks, in the order of the lanes or as they come.
template <int T, int kPlanes, bool kAffine, bool kLaneOrder>
struct RowInput {
  static constexpr int64_t kGroupBytes = kPlanes * kGroupColumns + 64;
  int64_t set_bytes;
  const int8_t* codes[T];
  // One a block, zeros behind the last. Of mxfp4: half of s, since its codes
  // count halves.
  const float* scales[T];
  const int32_t* offsets[T];    // mxfp4: what the unsigned codes are too large
  const float* scaled_sums[T];  // affine

  // Returns the scratch memory behind what it uses.
  template <bool kNatural>
  HWY_INLINE std::byte* prepare(const IntegerJob& job, std::byte* scratch) {
    const int64_t cols = job.weight->cols;
    const int64_t places = kGroupSets * groups_in_set(cols);
    set_bytes = groups_in_set(cols) * kGroupBytes;
    const int64_t blocks = padded_blocks(cols) + kIntegerSums;
    int8_t* copy = reinterpret_cast<int8_t*>(scratch);
    for (int t = 0; t < T; ++t) {
      const int8_t* from =
          job.input->codes +
          (job.ids != nullptr ? job.ids[t] : t) * job.input->code_stride;
      codes[t] = kNatural ? copy : from;
      if (kNatural)
        copy = copy_natural(from, places, copy);
      float* scale = reinterpret_cast<float*>(copy);
      int32_t* second = reinterpret_cast<int32_t*>(scale + blocks);
      scales[t] = scale;
      offsets[t] = second;
      scaled_sums[t] = reinterpret_cast<const float*>(second);
      copy = reinterpret_cast<int8_t*>(second + blocks);
      for (int64_t i = 0; i < blocks; ++i) {
        const int64_t lane = i / kN * kN + span_block(static_cast<int>(i % kN));
        take_factors(from, cols, kLaneOrder ? lane : i, scale + i, second + i);
      }
    }
    return reinterpret_cast<std::byte*>(copy);
  }

  // Codes of unit `unit` of a span.
  HWY_INLINE const int8_t* at(int t, int64_t span, int64_t unit) const {
    constexpr int kUnitsInGroup = kGroupBlocks / kUnit;
    const int64_t group = span * kSpanGroups + unit / kUnitsInGroup;
    return codes[t] + group % kGroupSets * set_bytes +
           group / kGroupSets * kGroupBytes + unit % kUnitsInGroup * kUnit * 16;
  }

 private:
  static HWY_INLINE void take_factors(
      const int8_t* row,
      int64_t cols,
      int64_t block,
      float* scale,
      int32_t* second) {
    const int64_t group = block / kGroupBlocks;
    *scale = 0;
    *second = 0;
    if (block >= cols / 32)
      return;
    const BlockFactors& factors = *reinterpret_cast<const BlockFactors*>(
        row + (group_place(group, cols) + 1) * kGroupBytes -
        sizeof(BlockFactors));
    const int64_t i = block % kGroupBlocks;
    *scale = kAffine ? factors.scale[i] : 0.5F * factors.scale[i];
    if (kAffine)
      __builtin_memcpy(second, &factors.scaled_sum[i], 4);
    else
      *second = factors.offset[i];
  }

  // Returns the end of the copy.
  static HWY_INLINE int8_t* copy_natural(
      const int8_t* from, int64_t places, int8_t* to) {
    const TagI8 d;
    for (int64_t g = 0; g < places; ++g) {
      for (int i = 0; i < 64; i += 16 * kUnit) {
        const VecI8 even = hn::LoadU(d, from + i);
        const VecI8 odd = hn::LoadU(d, from + 64 + i);
        hn::StoreU(hn::InterleaveLower(d, even, odd), d, to + i);
        hn::StoreU(hn::InterleaveUpper(d, even, odd), d, to + 64 + i);
      }
      from += kGroupBytes;
      to += kGroupBytes;
    }
    return to;
  }
};

// The scales and biases of one row after the other as float32, a vector a span.
template <bool kAffine>
class RowFactors {
 public:
  // `memory`: 2 * room_of(cols) floats.
  HWY_INLINE RowFactors(const WeightView& weight, float* memory)
      : weight_(weight),
        rows_ahead_((kAheadBytes + weight.row_bytes - 1) / weight.row_bytes),
        scales_(memory),
        biases_(memory + room_of(weight.cols)) {
    const int64_t width = scale_width(weight);
    bytes_ = weight.cols / width * bytes_of_scale(weight.scale_format);
    shift_ = width == 32 ? 0 : width == 64 ? 1 : 2;
    // Lanes beyond a row's last factor must not be NaN.
    for (int64_t i = 0; i < 2 * room_of(weight.cols); i += kN)
      hn::StoreU(hn::Zero(TagF()), TagF(), memory + i);
    for (int lane = 0; lane < kN; ++lane)
      lanes_[lane] = span_block(lane) >> shift_;
  }
  HWY_INLINE void load(int64_t row) {
    widen_scale_row<false>(weight_, row, scales_, 0);
    const int64_t ahead = (row + rows_ahead_) * weight_.scale_stride;
    prefetch_lines(
        reinterpret_cast<const uint8_t*>(weight_.scales) + ahead, bytes_);
    if (kAffine) {
      widen_scale_row<true>(weight_, row, biases_, 0);
      prefetch_lines(
          reinterpret_cast<const uint8_t*>(weight_.biases) + ahead, bytes_);
    }
  }
  HWY_INLINE VecF scales(int64_t span) const { return at(scales_, span); }
  HWY_INLINE VecF biases(int64_t span) const { return at(biases_, span); }

  // A span may read a vector from its first factor on.
  static HWY_INLINE int64_t room_of(int64_t cols) {
    return padded_blocks(cols) + kIntegerSums;
  }

 private:
  static HWY_INLINE int64_t bytes_of_scale(ScaleFormat format) {
    return format == ScaleFormat::e8m0 ? 1 : format == ScaleFormat::f32 ? 4 : 2;
  }
  HWY_INLINE VecF at(const float* factors, int64_t span) const {
    const TagF d;
    return hn::TableLookupLanes(
        hn::LoadU(d, factors + (span * kN >> shift_)),
        hn::SetTableIndices(d, lanes_));
  }

  const WeightView& weight_;
  int64_t rows_ahead_;
  int64_t bytes_;  // of a row's scales
  int shift_;      // log2 of the blocks that share a factor
  float* scales_;
  float* biases_;
  HWY_ALIGN int32_t lanes_[kN];
};

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

// What spans_in_file leaves when spans are taken kSumVecs at a time: less than
// kSumVecs, one that is not complete, and one that reads beyond the weight.
constexpr int64_t kTailSpans = kSumVecs + 2;

// A row's codes from `span` on, and zeros, to kTailSpans spans at `to`. `row`
// is where the row begins.
template <class Codes>
HWY_INLINE void copy_tail(
    const WeightView& weight, const uint8_t* row, int64_t span, uint8_t* to) {
  constexpr int64_t kSpanBytes = kSpanUnits * Codes::kUnitBytes;
  const int64_t used = weight.cols * kSpanBytes / (32 * kN) - span * kSpanBytes;
  __builtin_memset(to, 0, kTailSpans * kSpanBytes);
  __builtin_memcpy(to, row + span * kSpanBytes, static_cast<size_t>(used));
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
