// Rows decoded in place for five to kFewTokens tokens: so many tokens do not
// fit in the first-level cache, so sixteen rows pass over one block of columns
// before the next comes, and each row's block is decoded for one tile of tokens
// after the other while it is there. The sixteen rows that follow are requested
// meanwhile, in the order of the file.
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_FLOAT_COLUMNS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_FLOAT_COLUMNS_INL_H_
#undef HADAL_FLOAT_COLUMNS_INL_H_
#else
#define HADAL_FLOAT_COLUMNS_INL_H_
#endif

#include "kernels/linear/float_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Groups of a block: 4 KB of a float32 token.
constexpr int64_t kColumnGroups = 16;
constexpr int64_t kRowSets = 4;    // of kSourceRows rows
constexpr int64_t kMostTiles = 3;  // 4, 2 and 1 tokens
static_assert(kRowSets * kMostTiles * kSourceRows <= kMaxPanelRows);
static_assert(kFewTokens <= kRowTokens + 2 + 1 + 1);

// The tiles of a job: tokens [first, first + size) each.
struct TokenTiles {
  int64_t count = 0;
  int64_t first[kMostTiles];
  int64_t size[kMostTiles];

  HWY_INLINE explicit TokenTiles(int64_t tokens) {
    for (int64_t t = 0; t < tokens; ++count) {
      first[count] = t;
      const int64_t left = tokens - t;
      size[count] = left >= kRowTokens ? kRowTokens : left >= 2 ? 2 : 1;
      t += size[count];
    }
  }
};

// Groups [begin, begin + groups) of four rows with a tile of tokens. Requests
// begin four times `row_bytes` behind the first of these rows.
template <class Kernel, class Decoder>
HWY_INLINE void tile_in_place(
    const FloatJob& job,
    const Decoder& decoder,
    const SourceRows& rows,
    int64_t begin,
    int64_t groups,
    int64_t first_token,
    int64_t tokens,
    int64_t row_bytes,
    float* sums) {
  const typename Kernel::X* x[kRowTokens];
  for (int64_t i = 0; i < tokens; ++i)
    x[i] = Kernel::token(job, first_token + i) + begin * kFloatGroup;
  if (tokens == 1)
    Kernel::template rows<1>(decoder, rows, row_bytes, x, groups, sums);
  else if (tokens == 2)
    Kernel::template rows<2>(decoder, rows, row_bytes, x, groups, sums);
  else
    Kernel::template rows<kRowTokens>(
        decoder, rows, row_bytes, x, groups, sums);
}

// Rows [first, end), at most kRowSets * kSourceRows, which share their scales.
template <class Kernel, class Decoder>
HWY_INLINE void rows_by_columns(
    const FloatJob& job,
    const Decoder& decoder,
    const TokenTiles& tiles,
    int64_t first,
    int64_t end) {
  const int64_t groups = float_groups(job.weight->cols);
  const int64_t whole = groups_in_place(*job.weight);
  const int64_t sets = (end - first + kSourceRows - 1) / kSourceRows;
  const auto sums_of = [&](int64_t set, int64_t tile) {
    return job.scratch.sums +
           (set * kMostTiles + tile) * kSourceRows * kSumStride;
  };
  SourceRows rows[kRowSets];
  for (int64_t s = 0; s < sets; ++s) {
    rows[s] = source_rows<Decoder>(job, first + s * kSourceRows, end);
    for (int64_t i = 0; i < tiles.count; ++i)
      begin_sums(job.scratch, kSourceRows, tiles.size[i], sums_of(s, i));
  }
  for (int64_t g = 0; g < whole; g += kColumnGroups) {
    const int64_t count = whole - g < kColumnGroups ? whole - g : kColumnGroups;
    for (int64_t s = 0; s < sets; ++s) {
      SourceRows block = rows[s];
      for (int r = 0; r < kSourceRows; ++r) {
        block.data[r] += g * Decoder::kGroupBytes;
        block.scales[r] += (2 * g) >> block.scale_shift;
      }
      // As much of the next rows is requested as has been read of these.
      const int64_t done =
          kSourceRows * (sets * g + s * count) * Decoder::kGroupBytes;
      const int64_t ahead =
          (rows[0].data[0] + kSourceRows * sets * job.weight->row_bytes + done -
           block.data[0]) /
          kSourceRows;
      for (int64_t i = 0; i < tiles.count; ++i)
        tile_in_place<Kernel>(
            job,
            decoder,
            block,
            g,
            count,
            tiles.first[i],
            tiles.size[i],
            ahead,
            sums_of(s, i));
    }
  }
  for (int64_t s = 0; s < sets; ++s) {
    SourceRows tail;
    if (groups > whole)
      tail = tail_rows<Decoder>(job, rows[s], whole);
    for (int64_t i = 0; i < tiles.count; ++i) {
      if (groups > whole)
        tile_in_place<Kernel>(
            job,
            decoder,
            tail,
            whole,
            groups - whole,
            tiles.first[i],
            tiles.size[i],
            job.weight->row_bytes,
            sums_of(s, i));
      store_outputs(
          job,
          sums_of(s, i),
          first + s * kSourceRows,
          tiles.first[i],
          tiles.size[i]);
    }
  }
}

// Formats with scales of their own for every row keep to four rows.
template <class Kernel, class Decoder>
HWY_NOINLINE void few_tokens(const FloatJob& job) {
  const WeightView& view = *job.weight;
  const bool blocks = view.format == WeightFormat::fp8_block;
  if (job.count <= kRowTokens || (view.scales != nullptr && !blocks))
    return rows_in_place<Kernel, Decoder>(job);
  const Decoder decoder{};
  const TokenTiles tiles(job.count);
  int64_t end = job.row_begin;
  for (int64_t r = job.row_begin; r < job.row_end; r = end) {
    end = r + kRowSets * kSourceRows;
    end = end < job.row_end ? end : job.row_end;
    const int64_t scaled = (r / 128 + 1) * 128;
    if (blocks && end > scaled)
      end = scaled;
    if (!blocks || r == job.row_begin || r % 128 == 0)
      Kernel::widen(job, r, job.row_end, job.scratch.starts);
    rows_by_columns<Kernel>(job, decoder, tiles, r, end);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
