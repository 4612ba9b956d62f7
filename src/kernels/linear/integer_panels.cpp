// Integer products for many tokens: bound by arithmetic, so the weights are
// decoded once.
//
// kPanelLanes rows by a chunk of columns become a panel that stays in the first
// cache, int32 [block][8 quads of codes][rows]. Tiles of tokens pass over it
// with broadcast activations; between chunks the accumulators rest in memory.
// Of the sixteen accumulators of an output (linear.h) a chunk holds the columns
// of four, and a tile works on one at a time, which therefore needs no more
// registers than a plain sum.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/integer_panels.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/linear/integer_job.h"
#include "kernels/simd/byte_dot-inl.h"

#include "kernels/linear/weight_codes-inl.h"  // after byte_dot-inl.h

#include "kernels/linear/block_scales-inl.h"  // after weight_codes-inl.h

#include "kernels/linear/weight_rows-inl.h"  // after block_scales-inl.h

#include "kernels/linear/panel_tiles-inl.h"  // after weight_rows-inl.h

#include "kernels/linear/with_codes-inl.h"  // after weight_codes-inl.h

#ifndef HADAL_INTEGER_PANELS_ONCE
#define HADAL_INTEGER_PANELS_ONCE
namespace hadal {

// Tokens whose sums are kept at a time: 160 KB of them for 32 rows.
inline constexpr int64_t kTokensAtOnce = 252;

// The widest panel, of two vectors of 16 rows and 16 blocks of 32 columns, its
// scales and biases, and five sums a token.
inline constexpr int64_t kWidestPanelBytes =
    32 * 16 * 32 + 2 * 20 * 32 * 4 + kTokensAtOnce * 5 * 32 * 4;

}  // namespace hadal
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void Panels(const IntegerJob& job, std::byte*) {
  plain_integer_product(job);
}

#else

// A unit of kN rows to the kN lanes from `to` on.
template <class Codes>
HWY_INLINE void fill_unit(
    const Codes& codes, const UnitOfRows<Codes>& unit, int32_t* to) {
  const TagI d;
  VecI quads[8][kUnit];
  for (int q = 0; q < kUnit; ++q) {
    VecI even[4];
    VecI odd[4];
    for (int i = 0; i < 4; ++i) {
      VecU8 a;
      VecU8 b;
      codes.load(unit.at(4 * q + i), a, b);
      if (Codes::kNatural)
        split_even_odd(a, b);
      even[i] = hn::BitCast(d, a);
      odd[i] = hn::BitCast(d, b);
    }
    VecI turned[4];
    transpose4(even, turned);
    for (int i = 0; i < 4; ++i)
      quads[i][q] = turned[i];
    transpose4(odd, turned);
    for (int i = 0; i < 4; ++i)
      quads[4 + i][q] = turned[i];
  }
  for (int i = 0; i < 8; ++i) {
    VecI turned[kUnit];
    transpose_blocks(quads[i], turned);
    for (int j = 0; j < kUnit; ++j)
      hn::StoreU(turned[j], d, to + (8 * j + i) * kPanelLanes);
  }
}

// The chunk of kN rows to lanes [p * kN, (p + 1) * kN) of the panel; requests
// as many bytes of the rows that follow.
template <class Codes>
HWY_NOINLINE void fill_panel(
    const Codes& codes,
    const WeightRows& rows,
    const Chunk& chunk,
    int p,
    const Panel& panel,
    FileAhead<2>& ahead) {
  constexpr int kUnitsInGroup = kGroupBlocks / kUnit;
  int32_t* to = panel.codes + p * kN;
  for (int g = 0; g < chunk.groups; ++g) {
    const int units = (chunk.blocks(g) + kUnit - 1) / kUnit;
    for (int i = 0; i < units; ++i) {
      ahead.request(kN * Codes::kUnitBytes);
      fill_unit(
          codes,
          UnitOfRows<Codes>(rows, chunk.group(g) * kUnitsInGroup + i),
          to + (g * kGroupBlocks + i * kUnit) * 8 * kPanelLanes);
    }
  }
}

// Rows [first, first + kPanelLanes) with tokens [begin, end) of the job.
template <int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_NOINLINE void panel_rows(
    const IntegerJob& job,
    int64_t first,
    int64_t begin,
    int64_t end,
    const Panel& panel) {
  const WeightView& weight = *job.weight;
  const FactorLayout layout(weight);
  const Codes codes;
  WeightRows rows[kPanelVecs];
  for (int p = 0; p < kPanelVecs; ++p)
    find_rows<Codes>(weight, first + p * kN, job.row_end, rows[p]);
  constexpr int64_t kGroupBytes = kPlanes * kGroupColumns + 64;
  const int8_t* x[kTokensAtOnce];
  const int64_t count = end - begin;
  for (int64_t i = 0; i < count * kTokenSums; i += kN)
    hn::StoreU(hn::Zero(TagF()), TagF(), panel.sums + i);

  const int64_t blocks = weight.cols / 32;
  const int64_t groups = (blocks + kGroupBlocks - 1) / kGroupBlocks;
  // The columns are not read in the order of the file: the next panel's rows
  // are requested in that order while this one is in use.
  FileAhead<2> ahead(rows[0].data[0] + kPanelLanes * weight.row_bytes);
  FileAhead<2> ahead_scales(
      rows[0].scales[0] + kPanelLanes * weight.scale_stride);
  FileAhead<2> ahead_biases(
      kAffine ? rows[0].biases[0] + kPanelLanes * weight.scale_stride
              : nullptr);
  FactorWords words;
  for (int64_t start = 0; start < Chunk::kStep; ++start)
    for (int64_t group = start; group < groups;
         group += kChunkGroups * Chunk::kStep) {
      const int64_t left = (groups - group + Chunk::kStep - 1) / Chunk::kStep;
      const Chunk chunk = {
          group,
          left < kChunkGroups ? static_cast<int>(left) : kChunkGroups,
          blocks};
      const int64_t factor_bytes =
          chunk.groups * layout.bytes(kGroupBlocks) * kPanelLanes;
      ahead_scales.request(factor_bytes);
      if (kAffine)
        ahead_biases.request(factor_bytes);
      for (int p = 0; p < kPanelVecs; ++p) {
        gather_factors(layout, rows[p].scales, chunk, words);
        expand_factors(
            layout, chunk, words, panel.scales + p * kN, kPanelLanes);
        if (kAffine) {
          gather_factors(layout, rows[p].biases, chunk, words);
          expand_factors(
              layout, chunk, words, panel.biases + p * kN, kPanelLanes);
        }
        fill_panel(codes, rows[p], chunk, p, panel, ahead);
      }
      for (int64_t t = 0; t < count; ++t)
        x[t] = job.input->codes +
               (job.ids != nullptr ? job.ids[begin + t] : begin + t) *
                   job.input->code_stride +
               group_place(group, weight.cols) * kGroupBytes;
      all_tiles<kPlanes, kAffine, kWide>(
          panel,
          PanelChunk(chunk, group == start, left <= kChunkGroups),
          x,
          count);
    }
  for (int64_t t = 0; t < count; ++t)
    for (int p = 0; p < kPanelVecs; ++p) {
      const int64_t row = first + p * kN;
      if (row < job.row_end)
        store_rows(
            hn::LoadU(TagF(), panel.sums + t * kTokenSums + p * kN),
            row,
            job.row_end,
            job.y + (begin + t) * job.y_stride + (row - job.row_begin));
    }
}

template <int kPlanes, bool kAffine, bool kWide, class Codes>
HWY_NOINLINE void all_panels(const IntegerJob& job, std::byte* scratch) {
  const Panel panel(scratch);
  const int64_t groups = (job.count + kTokensAtOnce - 1) / kTokensAtOnce;
  const int64_t size = (job.count + groups - 1) / groups;
  for (int64_t t = 0; t < job.count; t += size)
    for (int64_t r = job.row_begin; r < job.row_end; r += kPanelLanes)
      panel_rows<kPlanes, kAffine, kWide, Codes>(
          job, r, t, job.count - t < size ? job.count : t + size, panel);
}

struct RunPanels {
  const IntegerJob& job;
  std::byte* scratch;

  template <int kPlanes, bool kAffine, bool kWide, class Codes>
  HWY_INLINE void run() const {
    all_panels<kPlanes, kAffine, kWide, Codes>(job, scratch);
  }
};

void Panels(const IntegerJob& job, std::byte* scratch) {
  with_codes(job, RunPanels{job, scratch});
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(Panels);

void integer_panels(const IntegerJob& job, std::byte* scratch) {
  HWY_DYNAMIC_DISPATCH(Panels)(job, scratch);
}

int64_t integer_panel_bytes() {
  return kWidestPanelBytes;
}

}  // namespace hadal
#endif
