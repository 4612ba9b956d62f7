// Products with many tokens: rows are decoded once into a panel that stays in
// the second-level cache, and tiles of tokens pass over it.
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_FLOAT_PANELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_FLOAT_PANELS_INL_H_
#undef HADAL_FLOAT_PANELS_INL_H_
#else
#define HADAL_FLOAT_PANELS_INL_H_
#endif

#include "kernels/linear/float_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Groups in a panel tile's walk: its tokens stay in the first-level cache.
constexpr int64_t kBlockGroups = 16;
// All rows pass over so many bytes of tokens before the next come, so that
// these stay in the last-level cache; not over fewer than kLeastTokens, since
// each time the rows are decoded anew.
constexpr int64_t kTokenBytes = 4 * 1024 * 1024;
constexpr int64_t kLeastTokens = 96;

// Bytes from one row to the next: a line more than they take, since rows at
// multiples of 4 KB would share few cache sets.
template <class Kernel>
HWY_INLINE int64_t panel_stride(int64_t groups) {
  return groups * Kernel::kGroupBytes + 64;
}

template <class Kernel, class Decoder>
HWY_NOINLINE void fill_panel(const FloatJob& job, int64_t first, int64_t end) {
  const WeightView& view = *job.weight;
  const Decoder decoder{};
  const int64_t groups = float_groups(view.cols);
  const int64_t whole = groups_in_place(view);
  const int64_t stride = panel_stride<Kernel>(groups);
  for (int64_t r = first; r < end; r += kSourceRows) {
    Kernel::widen(job, r, end, job.scratch.starts + (r - first));
    const SourceRows rows = source_rows<Decoder>(job, r, end);
    std::byte* to = job.scratch.panel + (r - first) * stride;
    Kernel::fill(decoder, rows, view.row_bytes, whole, to, stride);
    if (groups > whole)
      Kernel::fill(
          decoder,
          tail_rows<Decoder>(job, rows, whole),
          view.row_bytes,
          groups - whole,
          to + whole * Kernel::kGroupBytes,
          stride);
  }
}

// One tile of T tokens over `rows` rows of the panel, block by block. `next`
// are the tokens of the next tile, fetched meanwhile.
template <class Kernel, int T>
HWY_NOINLINE void panel_tokens(
    const FloatJob& job,
    int64_t rows,
    const typename Kernel::X* const* x,
    const typename Kernel::X* const* next) {
  const int64_t groups = float_groups(job.weight->cols);
  const int64_t stride = panel_stride<Kernel>(groups);
  for (int64_t g = 0; g < groups; g += kBlockGroups) {
    const int64_t last = groups - g < kBlockGroups ? groups : g + kBlockGroups;
    for (int64_t r = 0; r < rows; r += kSourceRows) {
      // Every group of rows fetches a share of one token's block.
      for (int64_t t = r / kSourceRows; t < T; t += (rows + 3) / kSourceRows)
        for (int64_t k = g; k < last; ++k)
          for (int64_t i = 0; i < Kernel::kGroupBytes; i += 64)
            __builtin_prefetch(
                reinterpret_cast<const std::byte*>(next[t]) +
                    k * Kernel::kGroupBytes + i,
                0,
                2);
      Kernel::template panel<T>(
          job.scratch.panel + r * stride,
          stride,
          x,
          g,
          last,
          job.scratch.scales,
          job.scratch.sums + r * kSumStride);
    }
  }
}

// Tokens [first, last) of the job over rows [row, row_end) in the panel.
template <class Kernel>
HWY_NOINLINE void panel_product(
    const FloatJob& job,
    int64_t row,
    int64_t row_end,
    int64_t first,
    int64_t last) {
  using X = typename Kernel::X;
  const int64_t rows = row_end - row;
  for (int64_t t = first; t < last; t += kMaxTileTokens) {
    const int64_t tokens =
        last - t < kMaxTileTokens ? last - t : kMaxTileTokens;
    const X* x[kMaxTileTokens];
    const X* next[kMaxTileTokens];
    for (int64_t i = 0; i < tokens; ++i) {
      const int64_t after = t + tokens + i;
      x[i] = Kernel::token(job, t + i);
      next[i] = Kernel::token(job, after < last ? after : first);
    }
    begin_sums(job.scratch, (rows + 3) / 4 * 4, tokens, job.scratch.sums);
    switch (tokens) {
      case 6:
        panel_tokens<Kernel, 6>(job, rows, x, next);
        break;
      case 5:
        panel_tokens<Kernel, 5>(job, rows, x, next);
        break;
      case 4:
        panel_tokens<Kernel, 4>(job, rows, x, next);
        break;
      case 3:
        panel_tokens<Kernel, 3>(job, rows, x, next);
        break;
      case 2:
        panel_tokens<Kernel, 2>(job, rows, x, next);
        break;
      default:
        panel_tokens<Kernel, 1>(job, rows, x, next);
        break;
    }
    for (int64_t i = 0; i < rows; i += kSourceRows)
      store_outputs(job, job.scratch.sums + i * kSumStride, row + i, t, tokens);
  }
}

template <class Kernel, class Decoder>
HWY_NOINLINE void through_panel(const FloatJob& job) {
  const WeightView& view = *job.weight;
  const int64_t groups = float_groups(view.cols);
  const int64_t step = panel_rows(panel_stride<Kernel>(groups));
  const int64_t most = kTokenBytes / (groups * Kernel::kGroupBytes) /
                       kMaxTileTokens * kMaxTileTokens;
  const int64_t at_once = most < kLeastTokens ? kLeastTokens : most;
  for (int64_t t = 0; t < job.count; t += at_once) {
    const int64_t last = job.count - t < at_once ? job.count : t + at_once;
    int64_t end = job.row_begin;
    for (int64_t r = job.row_begin; r < job.row_end; r = end) {
      end = job.row_end - r < step ? job.row_end : r + step;
      // The rows of a panel share their scales.
      if (view.format == WeightFormat::fp8_block && end > (r / 128 + 1) * 128)
        end = (r / 128 + 1) * 128;
      fill_panel<Kernel, Decoder>(job, r, end);
      panel_product<Kernel>(job, r, end, t, last);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
