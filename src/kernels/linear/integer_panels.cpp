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

// Vectors of rows in a panel, and tokens of a tile over it: the accumulators,
// integer and float32, stay in registers.
#if HWY_MAX_BYTES == 64
constexpr int kPanelVecs = 2;
constexpr int kTileTokens = 6;
#else
constexpr int kPanelVecs = 1;
constexpr int kTileTokens = 4;
#endif
constexpr int64_t kPanelLanes = kPanelVecs * kN;

// A chunk of columns of kPanelLanes rows, decoded.
struct Panel {
  int32_t* codes;  // [block][8][kPanelLanes]: even quads 0..3, odd quads 4..7
  float* scales;   // [block][kPanelLanes]
  float* biases;   // likewise, affine only
  float* sums;     // [tokens][kPanelLanes]

  HWY_INLINE explicit Panel(std::byte* scratch) {
    codes = reinterpret_cast<int32_t*>(scratch);
    scales = reinterpret_cast<float*>(codes + kChunkBlocks * 8 * kPanelLanes);
    biases = scales + kFactorRows * kPanelLanes;
    sums = biases + kFactorRows * kPanelLanes;
  }
};

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

// `blocks` blocks of the panel with T tokens, whose codes of the chunk begin at
// x[t] and whose sums lie at `sums`.
template <int T, int kPlanes, bool kAffine, bool kWide>
HWY_NOINLINE void panel_tile(
    const Panel& panel, int blocks, const int8_t* const* x, float* sums) {
  const TagI d;
  const TagU8 du8;
  const TagI8 d8;
  constexpr int64_t kGroupBytes = kPlanes * kGroupColumns + 64;
  const int8_t* at[T];
  VecF acc[T][kPanelVecs];
  for (int t = 0; t < T; ++t) {
    at[t] = x[t];
    for (int p = 0; p < kPanelVecs; ++p)
      acc[t][p] = hn::LoadU(TagF(), sums + t * kPanelLanes + p * kN);
  }
  const int32_t* weights = panel.codes;
  for (int b = 0; b < blocks; ++b) {
    const int64_t group = b / 4 * kGroupBytes;
    const int64_t in_group = b % 4 * 16;
    VecI sum[T][kPanelVecs];
    for (int t = 0; t < T; ++t)
      for (int p = 0; p < kPanelVecs; ++p)
        sum[t][p] = hn::Zero(d);
    for (int plane = 0; plane < kPlanes; ++plane) {
      if (plane == 1)
        for (int t = 0; t < T; ++t)
          for (int p = 0; p < kPanelVecs; ++p)
            sum[t][p] = hn::ShiftLeft<8>(sum[t][p]);
      const int64_t from = group + plane * kGroupColumns + in_group;
      for (int quad = 0; quad < 8; ++quad) {
        VecU8 w[kPanelVecs];
        for (int p = 0; p < kPanelVecs; ++p)
          w[p] = hn::BitCast(
              du8, hn::LoadU(d, weights + quad * kPanelLanes + p * kN));
        const int64_t byte = from + (quad < 4 ? 4 * quad : 48 + 4 * quad);
        for (int t = 0; t < T; ++t) {
          int32_t four;
          __builtin_memcpy(&four, at[t] + byte, 4);
          const VecI8 xt = hn::BitCast(d8, hn::Set(d, four));
          for (int p = 0; p < kPanelVecs; ++p)
            sum[t][p] = dot<kWide>(sum[t][p], w[p], xt);
        }
      }
    }
    weights += 8 * kPanelLanes;
    const int64_t lane = b * kPanelLanes;
    for (int t = 0; t < T; ++t) {
      const BlockFactors& factors = *reinterpret_cast<const BlockFactors*>(
          at[t] + group + kGroupBytes - sizeof(BlockFactors));
      for (int p = 0; p < kPanelVecs; ++p)
        acc[t][p] = add_block<kAffine>(
            acc[t][p],
            sum[t][p],
            factors,
            b % 4,
            panel.scales + lane + p * kN,
            panel.biases + lane + p * kN);
    }
  }
  for (int t = 0; t < T; ++t)
    for (int p = 0; p < kPanelVecs; ++p)
      hn::StoreU(acc[t][p], TagF(), sums + t * kPanelLanes + p * kN);
}

// Tokens [0, count) of x with the panel, in tiles as equal as can be.
template <int kPlanes, bool kAffine, bool kWide>
HWY_NOINLINE void all_tiles(
    const Panel& panel, int blocks, const int8_t* const* x, int64_t count) {
  int64_t tiles = (count + kTileTokens - 1) / kTileTokens;
  for (int64_t t = 0; t < count; --tiles) {
    const int64_t size = (count - t + tiles - 1) / tiles;
    float* sums = panel.sums + t * kPanelLanes;
    switch (size) {
      case 1:
        panel_tile<1, kPlanes, kAffine, kWide>(panel, blocks, x + t, sums);
        break;
      case 2:
        panel_tile<2, kPlanes, kAffine, kWide>(panel, blocks, x + t, sums);
        break;
      case 3:
        panel_tile<3, kPlanes, kAffine, kWide>(panel, blocks, x + t, sums);
        break;
      case 4:
        panel_tile<4, kPlanes, kAffine, kWide>(panel, blocks, x + t, sums);
        break;
#if HWY_MAX_BYTES == 64
      case 5:
        panel_tile<5, kPlanes, kAffine, kWide>(panel, blocks, x + t, sums);
        break;
      default:
        panel_tile<6, kPlanes, kAffine, kWide>(panel, blocks, x + t, sums);
        break;
#endif
    }
    t += size;
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

void Panels(const IntegerJob& job, std::byte* scratch) {
  if (job.input->format == ActivationFormat::int16)
    return all_panels<2, false, false, Fp4Codes>(job, scratch);
  if (job.weight->format == WeightFormat::mxfp4)
    return all_panels<1, false, false, Fp4Codes>(job, scratch);
  switch (job.weight->bits) {
    case 2:
      return all_panels<1, true, false, PackedCodes<2> >(job, scratch);
    case 3:
      return all_panels<1, true, false, PackedCodes<3> >(job, scratch);
    case 4:
      return all_panels<1, true, false, NibbleCodes>(job, scratch);
    case 5:
      return all_panels<1, true, false, PackedCodes<5> >(job, scratch);
    case 6:
      return all_panels<1, true, false, PackedCodes<6> >(job, scratch);
    default:
      return all_panels<1, true, true, ByteCodes>(job, scratch);
  }
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
