// What all float products share: rows decoded in place for few tokens, and the
// sums of the lanes at the end. Many tokens: float_panels-inl.h.
//
// Sums live in memory as [row][kMaxTileTokens][16 lanes]; a tile keeps its own
// in registers while it walks over a block of columns.
//
// A Kernel has
//   template <int T> rows(decoder, rows, row_bytes, x, groups, sums)
//     `groups` groups of four rows with T tokens x; meanwhile fetches as many
//     bytes of the rows that come next in the file
//   template <int T> panel(panel, stride, x, first, last, scales, sums)
//     groups [first, last) of four rows of a panel
//   token(job, i): the prepared token i of the job
//   widen(job, first, end, starts): the scales of rows [first, first + 4),
//     those from `end` on repeated, and what their sums begin with, if not 0
//   fill(decoder, rows, row_bytes, groups, to, stride)
//     four rows to a panel
//   X, kGroupBytes: what a prepared token consists of, bytes of a panel's group
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_FLOAT_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_FLOAT_TILES_INL_H_
#undef HADAL_FLOAT_TILES_INL_H_
#else
#define HADAL_FLOAT_TILES_INL_H_
#endif

#include "kernels/codecs/affine.h"
#include "kernels/linear/code_decoders-inl.h"
#include "kernels/linear/float_scratch.h"
#include "kernels/linear/scale_rows-inl.h"
#include "kernels/linear/weight_decoders-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Tokens of a tile over rows in place.
constexpr int64_t kRowTokens = 4;

// Where requests begin, behind the first of `rows` rows that are read side by
// side: at the rows that follow, and where these are short, as far ahead as
// what memory delivers in some times a request's own time. The requested lines
// lie in the order of the file.
HWY_INLINE int64_t bytes_ahead(int64_t rows, int64_t row_bytes) {
  constexpr int64_t kLeast = 12 * 1024;
  return rows * row_bytes < kLeast ? kLeast : rows * row_bytes;
}

constexpr int64_t kSumStride = kMaxTileTokens * kFloatLanes;  // of a row

// The tree over the lanes for four rows; sums[r * kSumStride] are the lanes of
// row r.
HWY_INLINE void join_rows(const float* sums, float* out) {
  FloatVec v[4];
  for (int r = 0; r < 4; ++r) {
    FloatVec parts[kParts];
    for (int64_t p = 0; p < kParts; ++p)
      parts[p] = hn::Load(Floats(), sums + r * kSumStride + p * kWidth);
    for (int64_t half = kParts / 2; half > 0; half /= 2)
      for (int64_t p = 0; p < half; ++p)
        parts[p] = hn::Add(parts[p], parts[p + half]);
    v[r] = parts[0];
  }
#if HWY_TARGET == HWY_SCALAR
  for (int r = 0; r < 4; ++r)
    out[r] = hn::GetLane(v[r]);
#else
  // Row r ends in the lane whose number has r's bits at kWidth / 2 and
  // kWidth / 4.
  v[0] = join_step<kWidth / 2>(v[0], v[1]);
  v[2] = join_step<kWidth / 2>(v[2], v[3]);
  FloatVec sum = join_step<kWidth / 4>(v[0], v[2]);
  if constexpr (kWidth >= 16)
    sum = hn::Add(sum, hn::Shuffle1032(sum));
  if constexpr (kWidth >= 8)
    sum = hn::Add(sum, hn::Shuffle2301(sum));
  HWY_ALIGN float lanes[kWidth];
  hn::Store(sum, Floats(), lanes);
  for (int r = 0; r < 4; ++r)
    out[r] = lanes[r % 2 * (kWidth / 2) + r / 2 * (kWidth / 4)];
#endif
}

// Rows [first, first + 4) of the job's weight, those from `end` on repeated,
// with their scales.
HWY_INLINE void widen_scales(const FloatJob& job, int64_t first, int64_t end) {
  const WeightView& view = *job.weight;
  const FloatScratch& scratch = job.scratch;
  for (int r = 0; view.scales != nullptr && r < kSourceRows; ++r) {
    const int64_t row = first + r < end ? first + r : end - 1;
    const int64_t at = r * scratch.scale_room;
    if (view.format == WeightFormat::fp8_block && r > 0)
      break;  // all four have the same
    widen_scale_row<false>(view, row, scratch.scales + at, scratch.scale_room);
    if (view.format == WeightFormat::affine)
      widen_scale_row<true>(view, row, scratch.biases + at, scratch.scale_room);
  }
}

// E8M0 scales of E4M3 weights with bfloat16 activations (linear.h).
HWY_INLINE FloatVec limited_scale(FloatVec scale) {
  const Floats d;
  const FloatVec least = hn::Set(d, 0x1p-46F);
  const FloatVec nan =
      hn::BitCast(d, hn::Set(hn::RebindToUnsigned<Floats>(), 0x7FC00000U));
  return hn::IfThenElse(
      hn::Le(scale, hn::Set(d, 0x1p40F)), hn::Max(scale, least), nan);
}

template <class Decoder>
HWY_INLINE SourceRows
source_rows(const FloatJob& job, int64_t first, int64_t end) {
  const WeightView& view = *job.weight;
  const FloatScratch& scratch = job.scratch;
  const bool block = view.format == WeightFormat::fp8_block;
  SourceRows rows;
  rows.scale_shift = scale_width(view) == 128 ? 2 : scale_width(view) / 64;
  for (int r = 0; r < kSourceRows; ++r) {
    const int64_t row = first + r < end ? first + r : end - 1;
    rows.data[r] =
        reinterpret_cast<const uint8_t*>(view.data) + row * view.row_bytes;
    const int64_t at = block ? 0 : r * scratch.scale_room;
    rows.scales[r] = scratch.scales + at;
    rows.biases[r] = scratch.biases + at;
    if constexpr (Decoder::kUnpacked) {
      if (view.bits != 8) {
        uint8_t* codes = scratch.codes + r * float_groups(view.cols) * 64;
        unpack_affine(
            view.bits, view.data + row * view.row_bytes, 0, view.cols, codes);
        rows.data[r] = codes;
      }
    }
  }
  return rows;
}

// The groups that are read where they lie: whole ones, and whole blocks of
// 128 columns where these share a scale.
HWY_INLINE int64_t groups_in_place(const WeightView& view) {
  return view.format == WeightFormat::fp8_block ? view.cols / 128 * 2
                                                : view.cols / kFloatGroup;
}

// The columns from a group on, filled up with zeros.
template <class Decoder>
HWY_INLINE SourceRows
tail_rows(const FloatJob& job, const SourceRows& rows, int64_t groups) {
  const int64_t all = float_groups(job.weight->cols) - groups;
  const int64_t rest = job.weight->cols - groups * kFloatGroup;
  const int64_t bytes = rest * Decoder::kGroupBytes / kFloatGroup;
  SourceRows tail = rows;
  for (int r = 0; r < kSourceRows; ++r) {
    uint8_t* to = job.scratch.tail + r * kTailBytes;
    const uint8_t* from = rows.data[r] + groups * Decoder::kGroupBytes;
    for (int64_t i = 0; i < all * Decoder::kGroupBytes; ++i)
      to[i] = i < bytes ? from[i] : 0;
    tail.data[r] = to;
    const int64_t at = (2 * groups) >> rows.scale_shift;
    tail.scales[r] += at;
    tail.biases[r] += at;
  }
  return tail;
}

// The sums of `rows` rows and `tokens` tokens begin.
HWY_INLINE void begin_sums(
    const FloatScratch& scratch, int64_t rows, int64_t tokens, float* sums) {
  for (int64_t r = 0; r < rows; ++r) {
    const FloatVec start = hn::Set(Floats(), scratch.starts[r]);
    for (int64_t i = 0; i < tokens * kFloatLanes; i += kWidth)
      hn::Store(start, Floats(), sums + r * kSumStride + i);
  }
}

// Sums of four rows from `first` on to the outputs of `tokens` tokens.
HWY_INLINE void store_outputs(
    const FloatJob& job,
    const float* sums,
    int64_t first,
    int64_t token,
    int64_t tokens) {
  const int64_t rows = job.row_end - first < 4 ? job.row_end - first : 4;
  for (int64_t t = 0; t < tokens; ++t) {
    float out[4];
    join_rows(sums + t * kFloatLanes, out);
    float* y = job.y + (token + t) * job.y_stride + (first - job.row_begin);
    for (int64_t r = 0; r < rows; ++r)
      y[r] = out[r];
  }
}

template <class Kernel, class Decoder>
HWY_NOINLINE void rows_in_place(const FloatJob& job) {
  using X = typename Kernel::X;
  const WeightView& view = *job.weight;
  const Decoder decoder{};
  const int64_t groups = float_groups(view.cols);
  const int64_t whole = groups_in_place(view);
  float* sums = job.scratch.sums;
  for (int64_t r = job.row_begin; r < job.row_end; r += kSourceRows) {
    if (view.format != WeightFormat::fp8_block || r == job.row_begin ||
        r % 128 == 0)
      Kernel::widen(job, r, job.row_end, job.scratch.starts);
    const SourceRows rows = source_rows<Decoder>(job, r, job.row_end);
    for (int64_t t = 0; t < job.count;) {
      const int64_t left = job.count - t;
      const int64_t tokens = left >= kRowTokens ? kRowTokens
                             : left >= 2        ? 2
                                                : 1;
      const X* x[kRowTokens];
      const X* x_tail[kRowTokens];
      for (int64_t i = 0; i < tokens; ++i) {
        x[i] = Kernel::token(job, t + i);
        x_tail[i] = x[i] + whole * kFloatGroup;
      }
      begin_sums(job.scratch, kSourceRows, tokens, sums);
      const auto walk =
          [&](const SourceRows& from, const X* const* at, int64_t count) {
            switch (tokens) {
              case 1:
                Kernel::template rows<1>(
                    decoder, from, view.row_bytes, at, count, sums);
                break;
              case 2:
                Kernel::template rows<2>(
                    decoder, from, view.row_bytes, at, count, sums);
                break;
              default:
                Kernel::template rows<kRowTokens>(
                    decoder, from, view.row_bytes, at, count, sums);
                break;
            }
          };
      walk(rows, x, whole);
      if (groups > whole)
        walk(tail_rows<Decoder>(job, rows, whole), x_tail, groups - whole);
      store_outputs(job, sums, r, t, tokens);
      t += tokens;
    }
  }
}

// Before a product: the sums of all rows begin with 0.
HWY_INLINE void begin_product(const FloatJob& job) {
  for (int64_t r = 0; r < kMaxPanelRows; ++r)
    job.scratch.starts[r] = 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
