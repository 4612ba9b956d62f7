// Integer products for many tokens: bound by arithmetic, so the weights are
// decoded once.
//
// kPanelLanes rows by a chunk of columns become a panel that stays in the first
// cache, int32 [block][8 quads of codes][rows]. Tiles of tokens pass over it
// with broadcast activations; between chunks the accumulators rest in memory.
// Every output still adds its blocks in increasing order (linear.h).
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

// Tokens whose accumulators are kept at a time: 32 KB of them for 32 rows.
inline constexpr int64_t kTokensAtOnce = 252;

// The widest panel, of two vectors of 16 rows and 16 blocks of 32 columns, its
// scales and biases, and the accumulators.
inline constexpr int64_t kWidestPanelBytes =
    32 * 16 * 32 + 2 * 20 * 32 * 4 + kTokensAtOnce * 32 * 4;

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

// kN rows to lanes [p * kN, (p + 1) * kN) of the panel.
template <class Codes>
HWY_NOINLINE void fill_panel(
    const Codes& codes,
    const WeightRows& rows,
    int64_t first_unit,
    int64_t end_unit,
    int p,
    const Panel& panel) {
  const TagI d;
  for (int64_t u = first_unit; u < end_unit; ++u) {
    const UnitOfRows<Codes> unit(rows, u);
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
    int32_t* to =
        panel.codes + p * kN + (u - first_unit) * kUnit * 8 * kPanelLanes;
    for (int i = 0; i < 8; ++i) {
      VecI turned[kUnit];
      transpose_blocks(quads[i], turned);
      for (int j = 0; j < kUnit; ++j)
        hn::StoreU(turned[j], d, to + (8 * j + i) * kPanelLanes);
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
  const int8_t* x[kTokensAtOnce];
  for (int64_t t = begin; t < end; ++t)
    x[t - begin] = job.input->codes + (job.ids != nullptr ? job.ids[t] : t) *
                                          job.input->code_stride;
  const int64_t count = end - begin;
  for (int64_t i = 0; i < count * kPanelLanes; i += kN)
    hn::StoreU(hn::Zero(TagF()), TagF(), panel.sums + i);

  const int64_t blocks = weight.cols / 32;
  FactorWords words;
  for (int64_t chunk = 0; chunk * kChunkBlocks < blocks; ++chunk) {
    const int64_t left = blocks - chunk * kChunkBlocks;
    const int in_chunk =
        left < kChunkBlocks ? static_cast<int>(left) : kChunkBlocks;
    const int64_t unit = chunk * kChunkUnits;
    for (int p = 0; p < kPanelVecs; ++p) {
      gather_factors(layout, rows[p].scales, chunk, words);
      expand_factors(layout, chunk, words, panel.scales + p * kN, kPanelLanes);
      if (kAffine) {
        gather_factors(layout, rows[p].biases, chunk, words);
        expand_factors(
            layout, chunk, words, panel.biases + p * kN, kPanelLanes);
      }
      fill_panel(
          codes,
          rows[p],
          unit,
          unit + (in_chunk + kUnit - 1) / kUnit,
          p,
          panel);
    }
    all_tiles<kPlanes, kAffine, kWide>(panel, in_chunk, x, count);
    const int64_t step =
        kChunkBlocks / kGroupBlocks * (kPlanes * kGroupColumns + 64);
    for (int64_t t = 0; t < count; ++t)
      x[t] += step;
  }
  for (int64_t t = 0; t < count; ++t)
    for (int p = 0; p < kPanelVecs; ++p) {
      const int64_t row = first + p * kN;
      if (row < job.row_end)
        store_rows(
            hn::LoadU(TagF(), panel.sums + t * kPanelLanes + p * kN),
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
