// Products with float32 and bfloat16 activations, in sixteen lanes along K.
//
// Few tokens: four weight rows at a time are decoded in registers where they
// lie. Many tokens (and the formats or edges that are not worth a register
// decoder): some rows are widened into a panel that stays in the second-level
// cache, and every group of tokens passes over it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/product_float.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/codecs/affine.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/linear/product.h"
#include "kernels/linear/weight_scales.h"
#include "kernels/simd/lanes16-inl.h"

#include "kernels/linear/weight_source-inl.h"  // after lanes16-inl.h

#ifndef HADAL_PRODUCT_FLOAT_ONCE
#define HADAL_PRODUCT_FLOAT_ONCE
namespace hadal {
// Bytes of a panel of widened rows: half of a usual second-level cache.
inline constexpr int64_t kPanelBytes = 256 * 1024;
inline constexpr int64_t kMaxPanelRows = 64;

// Rows of a panel: a multiple of 4.
constexpr int64_t panel_rows(int64_t padded_cols) {
  const int64_t fit = kPanelBytes / (padded_cols * 4) / 4 * 4;
  return fit < 4 ? 4 : fit > kMaxPanelRows ? kMaxPanelRows : fit;
}
}  // namespace hadal
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Rows x tokens of a tile, so that the accumulators stay in registers.
#if HWY_TARGET == HWY_AVX3_DL
constexpr int kTileRows = 4;
constexpr int kTileTokens = 6;
#elif HWY_TARGET == HWY_SCALAR
constexpr int kTileRows = 2;
constexpr int kTileTokens = 1;
#else
constexpr int kTileRows = 2;
constexpr int kTileTokens = 3;
#endif

// Where a tile's results go: token t, row r at y[t * stride + r], r < rows.
struct TileOutput {
  float* y;
  int64_t stride;
  int64_t rows;
};

template <int R, int T>
HWY_INLINE void store_sums(
    const Lanes16 (&acc)[R][T], int first_row, const TileOutput& out) {
  for (int t = 0; t < T; ++t) {
    float sums[4];
#if HWY_TARGET == HWY_SCALAR
    for (int r = 0; r < R; ++r)
      sums[r] = sum16(acc[r][t]);
#else
    // Four rows at once; the order is that of sum16.
    const hn::CappedTag<float, 4> d4;
    const auto a = sum16_to_4(acc[0][t]);
    const auto b = sum16_to_4(acc[1][t]);
    const auto c = R == 4 ? sum16_to_4(acc[R - 2][t]) : a;
    const auto d = R == 4 ? sum16_to_4(acc[R - 1][t]) : b;
    const auto ab =
        hn::Add(hn::InterleaveLower(d4, a, b), hn::InterleaveUpper(d4, a, b));
    const auto cd =
        hn::Add(hn::InterleaveLower(d4, c, d), hn::InterleaveUpper(d4, c, d));
    hn::StoreU(
        hn::Add(
            hn::ConcatLowerLower(d4, cd, ab), hn::ConcatUpperUpper(d4, cd, ab)),
        d4,
        sums);
#endif
    float* y = out.y + t * out.stride;
    for (int r = 0; r < R && first_row + r < out.rows; ++r)
      y[first_row + r] = sums[r];
  }
}

// Rows first_row .. first_row + R - 1 of the source with T tokens.
template <int R, int T, class Source>
HWY_INLINE void tile(
    Source& source,
    int first_row,
    const float* const* x,
    int64_t cols,
    const TileOutput& out) {
  Lanes16 acc[R][T];
  for (int r = 0; r < R; ++r)
    for (int t = 0; t < T; ++t)
      acc[r][t] = set16(0.0F);
  for (int64_t k0 = 0; k0 < cols; k0 += Source::kSpan) {
    source.span(k0);
    const int64_t end = cols - k0 < Source::kSpan ? cols : k0 + Source::kSpan;
    for (int64_t k = k0; k < end; k += 16) {
      Lanes16 w[R];
      for (int r = 0; r < R; ++r)
        w[r] = source.load(first_row + r, k);
      for (int t = 0; t < T; ++t) {
        const Lanes16 xt = load16(x[t] + k);
        for (int r = 0; r < R; ++r)
          acc[r][t] = fma16(xt, w[r], acc[r][t]);
      }
    }
  }
  store_sums<R, T>(acc, first_row, out);
}

// All four rows of a source with `tokens` <= kTileTokens tokens.
template <class Source>
HWY_INLINE void four_rows(
    Source& source,
    int64_t tokens,
    const float* const* x,
    int64_t cols,
    const TileOutput& out) {
  for (int r = 0; r < kSourceRows; r += kTileRows) {
    switch (tokens) {
#if HWY_TARGET == HWY_AVX3_DL
      case 6:
        tile<kTileRows, 6>(source, r, x, cols, out);
        break;
      case 5:
        tile<kTileRows, 5>(source, r, x, cols, out);
        break;
      case 4:
        tile<kTileRows, 4>(source, r, x, cols, out);
        break;
#endif
#if HWY_TARGET != HWY_SCALAR
      case 3:
        tile<kTileRows, 3>(source, r, x, cols, out);
        break;
      case 2:
        tile<kTileRows, 2>(source, r, x, cols, out);
        break;
#endif
      default:
        tile<kTileRows, 1>(source, r, x, cols, out);
        break;
    }
  }
}

struct Job {
  const ProductInput* input;
  const int32_t* ids;
  int64_t count;
  const WeightView* weight;
  int64_t row_begin;
  int64_t row_end;
  float* y;
  int64_t y_stride;

  HWY_INLINE const float* x(int64_t i) const {
    return input->values + (ids != nullptr ? ids[i] : i) * input->stride;
  }
};

// Rows [first, end) of `view` against all tokens, one tile of tokens after the
// other, so that a tile of x is read from a near cache for all rows.
template <class Source>
HWY_INLINE void all_tokens(
    const Job& job,
    const WeightView& view,
    int64_t first,
    int64_t end,
    int64_t cols,
    float* y) {
  for (int64_t t = 0; t < job.count; t += kTileTokens) {
    const int64_t tokens =
        job.count - t < kTileTokens ? job.count - t : kTileTokens;
    const float* x[kTileTokens];
    for (int64_t i = 0; i < tokens; ++i)
      x[i] = job.x(t + i);
    for (int64_t r = first; r < end; r += kSourceRows) {
      Source source(view, r, end);
      const TileOutput out = {
          y + t * job.y_stride + (r - first), job.y_stride, end - r};
      four_rows(source, tokens, x, cols, out);
    }
  }
}

template <class Source>
HWY_NOINLINE void in_place(const Job& job) {
  const int64_t step = panel_rows(job.weight->cols);
  for (int64_t r = job.row_begin; r < job.row_end; r += step) {
    const int64_t end = job.row_end - r < step ? job.row_end : r + step;
    all_tokens<Source>(
        job,
        *job.weight,
        r,
        end,
        job.weight->cols,
        job.y + (r - job.row_begin));
  }
}

// Columns [0, cols) of rows [first, end) to panel rows of `stride` floats.
template <class Source>
HWY_NOINLINE void widen_rows(
    const WeightView& view,
    int64_t first,
    int64_t end,
    int64_t cols,
    float* panel,
    int64_t stride) {
  for (int64_t r0 = first; r0 < end; r0 += kSourceRows) {
    Source source(view, r0, end);
    for (int64_t k0 = 0; k0 < cols; k0 += Source::kSpan) {
      source.span(k0);
      const int64_t k_end =
          cols - k0 < Source::kSpan ? cols : k0 + Source::kSpan;
      for (int r = 0; r < kSourceRows && r0 + r < end; ++r)
        for (int64_t k = k0; k < k_end; k += 16)
          store16(source.load(r, k), panel + (r0 + r - first) * stride + k);
    }
  }
}

HWY_NOINLINE void fill_panel(
    const WeightView& view,
    int64_t first,
    int64_t end,
    float* panel,
    int64_t stride) {
  int64_t cols = view.cols / 32 * 32;
  switch (view.format) {
    case WeightFormat::f32:
      widen_rows<F32Source>(view, first, end, cols, panel, stride);
      break;
    case WeightFormat::bf16:
      widen_rows<Bf16Source>(view, first, end, cols, panel, stride);
      break;
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      widen_rows<Fp8Source>(view, first, end, cols, panel, stride);
      break;
    case WeightFormat::mxfp4:
      widen_rows<Mxfp4Source>(view, first, end, cols, panel, stride);
      break;
    case WeightFormat::affine:
      widen_rows<AffineSource>(view, first, end, cols, panel, stride);
      break;
    case WeightFormat::f16:
      cols = 0;
      break;
  }
  for (int64_t r = first; cols < stride && r < end; ++r) {
    float* row = panel + (r - first) * stride;
    dequantize_columns(view, r, cols, view.cols - cols, row + cols);
    for (int64_t k = view.cols; k < stride; ++k)
      row[k] = 0;
  }
}

// `widened` is the panel as a view of float32 rows.
HWY_NOINLINE void through_panel(
    const Job& job, const WeightView& widened, float* panel) {
  const int64_t stride = widened.cols;
  const int64_t step = panel_rows(stride);
  for (int64_t r = job.row_begin; r < job.row_end; r += step) {
    const int64_t end = job.row_end - r < step ? job.row_end : r + step;
    fill_panel(*job.weight, r, end, panel, stride);
    all_tokens<F32Source>(
        job, widened, 0, end - r, stride, job.y + (r - job.row_begin));
  }
}

// Is it better to decode the rows for each tile of tokens than once into a
// panel?
HWY_INLINE bool few(int64_t tokens) {
  return tokens <= kTileTokens;
}

void run_float(const Job& job, const WeightView& widened, float* panel) {
  const WeightFormat format = job.weight->format;
  if (job.weight->cols % 32 == 0) {
    if (format == WeightFormat::f32)
      return in_place<F32Source>(job);
    if (few(job.count)) {
      if (format == WeightFormat::bf16)
        return in_place<Bf16Source>(job);
      if (format == WeightFormat::fp8_block || format == WeightFormat::mxfp8)
        return in_place<Fp8Source>(job);
      if (format == WeightFormat::mxfp4)
        return in_place<Mxfp4Source>(job);
    }
  }
  through_panel(job, widened, panel);
}

void FloatProduct(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    const WeightView& widened,
    std::byte* scratch) {
  run_float(
      Job{&input, ids, count, &weight, row_begin, row_end, y, y_stride},
      widened,
      reinterpret_cast<float*>(scratch));
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(FloatProduct);

void float_product(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    std::byte* scratch) {
  const int64_t padded = (weight.cols + 15) / 16 * 16;
  const WeightView widened = {
      .format = WeightFormat::f32,
      .rows = panel_rows(padded),
      .cols = padded,
      .row_bytes = padded * 4,
      .data = scratch};
  HWY_DYNAMIC_DISPATCH(FloatProduct)
  (input,
   ids,
   count,
   weight,
   row_begin,
   row_end,
   y,
   y_stride,
   widened,
   scratch);
}

int64_t float_scratch_bytes(int64_t cols) {
  const int64_t padded = (cols + 15) / 16 * 16;
  return panel_rows(padded) * padded * 4;
}

}  // namespace hadal
#endif
