// Products with int8 and int16 activations: exact integers inside a block of 32
// columns, one float32 accumulator an output over the blocks.
//
// A vector lane is a weight row. Few tokens: a vector of rows is read where it
// lies, and the partial sums of four rows by four lanes are turned by
// transposition into one lane a row. Many tokens: the rows are first laid out
// as a panel, [block][8 quads of codes][rows], over which tiles of tokens pass
// with broadcast activations.
//
// Codes are unsigned for the byte products: an mxfp4 code counts halves from
// -6, which adds 12 times the activations' sum, taken off again as an integer.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/product_integer.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/linear/activation_codes.h"
#include "kernels/linear/product.h"
#include "kernels/linear/weight_scales.h"
#include "kernels/simd/byte_dot-inl.h"

#ifndef HADAL_PRODUCT_INT8_ONCE
#define HADAL_PRODUCT_INT8_ONCE
namespace hadal {

// Twice the E2M1 values, plus 12.
inline constexpr uint8_t kFp4Codes[16] = {
    12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
inline constexpr uint8_t kSameCodes[16] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
inline constexpr int32_t kFp4Offset = 12;

// The widest panel: two vectors of sixteen rows.
inline constexpr int64_t kIntegerPanelRows = 32;

// Bytes of a row of weight codes in the split order.
constexpr int64_t split_bytes(int64_t cols) {
  return (cols + 127) / 128 * 128;
}

}  // namespace hadal
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// One product of a thread, and its scratch memory.
struct IntegerJob {
  const ProductInput* input;
  const int32_t* ids;
  int64_t count;
  const WeightView* weight;
  int64_t row_begin;
  int64_t row_end;
  float* y;
  int64_t y_stride;
  float* scales;   // [blocks, rows of a panel]
  float* biases;   // likewise, affine only
  uint8_t* codes;  // split rows, or a panel
  uint8_t* edges;  // [16 rows, 64]: the last bytes of 4-bit rows, filled up

  bool affine() const { return weight->format == WeightFormat::affine; }
  // Codes that are nibbles can be read in place.
  bool nibbles() const { return !affine() || weight->bits == 4; }
  const uint8_t* table() const { return affine() ? kSameCodes : kFp4Codes; }
  int32_t offset() const { return affine() ? 0 : kFp4Offset; }
  int64_t row(int64_t i) const { return i < row_end ? i : row_end - 1; }
  const uint8_t* row_data(int64_t i) const {
    return reinterpret_cast<const uint8_t*>(weight->data) +
           row(i) * weight->row_bytes;
  }
  bool two_planes() const { return input->format == ActivationFormat::int16; }
  int64_t input_row(int64_t i) const { return ids != nullptr ? ids[i] : i; }
};

#if HWY_TARGET == HWY_SCALAR

constexpr int64_t kRowsAtOnce = 4;

// Split bytes of a row of nibbles.
void split_nibbles(const IntegerJob& job, int64_t row, uint8_t* to) {
  const uint8_t* from = job.row_data(row);
  const uint8_t* table = job.table();
  for (int64_t i = 0; i < split_bytes(job.weight->cols); ++i)
    to[i] = 0;
  for (int64_t k = 0; k < job.weight->cols; k += 2) {
    uint8_t* group = to + k / 128 * 128;
    group[k % 128 / 2] = table[from[k / 2] & 15];
    group[64 + k % 128 / 2] = table[from[k / 2] >> 4];
  }
}

void run_integer(const IntegerJob& job) {
  const ProductInput& in = *job.input;
  const int planes = job.two_planes() ? 2 : 1;
  for (int64_t r = job.row_begin; r < job.row_end; ++r) {
    fill_scale_table(*job.weight, r, job.row_end, 1, job.scales, job.biases);
    if (job.nibbles())
      split_nibbles(job, r, job.codes);
    else
      unpack_split_row(*job.weight, r, job.codes);
    for (int64_t t = 0; t < job.count; ++t) {
      const int64_t row = job.input_row(t);
      const int8_t* x = in.codes + row * in.code_stride;
      float acc = 0;
      for (int64_t b = 0; b < in.blocks; ++b) {
        const int64_t at = b / 4 * 128 + b % 4 * 16;
        const int8_t* xb = x + b / 4 * 128 * planes + b % 4 * 16;
        int32_t sum = 0;
        for (int p = 0; p < planes; ++p)
          for (int64_t i = 0; i < 16; ++i)
            sum += (xb[128 * p + i] * job.codes[at + i] +
                    xb[128 * p + i + 64] * job.codes[at + i + 64]) *
                   (p + 1 < planes ? 256 : 1);
        sum -= job.offset() * in.sums[row * in.blocks + b];
        acc = __builtin_fmaf(
            static_cast<float>(sum),
            in.scales[row * in.blocks + b] * job.scales[b],
            acc);
        if (job.affine())
          acc = __builtin_fmaf(
              in.scaled_sums[row * in.blocks + b], job.biases[b], acc);
      }
      job.y[t * job.y_stride + (r - job.row_begin)] = acc;
    }
  }
}

void encode_block(const float* x, int32_t limit, int32_t* codes, float* scale) {
  int32_t ordered[32];
  *scale = encode_activation_block(x, 32, limit, ordered);
  for (int i = 0; i < 16; ++i) {
    codes[i] = ordered[2 * i];
    codes[16 + i] = ordered[2 * i + 1];
  }
}

#else

constexpr int kN = static_cast<int>(HWY_LANES(int32_t));  // rows of a vector
constexpr int kUnit = kN / 4;  // blocks in a vector of one row's nibbles
using TagF = hn::Rebind<float, TagI>;
using VecF = hn::Vec<TagF>;

// In-lane transposition of 4 x 4: out[i] has in every 128-bit block the
// elements i of a, b, c, d.
HWY_INLINE void transpose4(const VecI (&in)[4], VecI (&out)[4]) {
  const TagI d;
  const hn::Repartition<int64_t, TagI> d64;
  const auto ab_low = hn::BitCast(d64, hn::InterleaveLower(d, in[0], in[1]));
  const auto ab_high = hn::BitCast(d64, hn::InterleaveUpper(d, in[0], in[1]));
  const auto cd_low = hn::BitCast(d64, hn::InterleaveLower(d, in[2], in[3]));
  const auto cd_high = hn::BitCast(d64, hn::InterleaveUpper(d, in[2], in[3]));
  out[0] = hn::BitCast(d, hn::InterleaveLower(d64, ab_low, cd_low));
  out[1] = hn::BitCast(d, hn::InterleaveUpper(d64, ab_low, cd_low));
  out[2] = hn::BitCast(d, hn::InterleaveLower(d64, ab_high, cd_high));
  out[3] = hn::BitCast(d, hn::InterleaveUpper(d64, ab_high, cd_high));
}

// 128-bit block j of in[q] becomes block q of out[j].
HWY_INLINE void transpose_blocks(const VecI (&in)[kUnit], VecI (&out)[kUnit]) {
#if HWY_MAX_BYTES == 64
  const TagI d;
  const VecI even01 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(in[1]), in[0]);
  const VecI odd01 = hn::OddEvenBlocks(in[1], hn::SwapAdjacentBlocks(in[0]));
  const VecI even23 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(in[3]), in[2]);
  const VecI odd23 = hn::OddEvenBlocks(in[3], hn::SwapAdjacentBlocks(in[2]));
  out[0] = hn::ConcatLowerLower(d, even23, even01);
  out[1] = hn::ConcatLowerLower(d, odd23, odd01);
  out[2] = hn::ConcatUpperUpper(d, even23, even01);
  out[3] = hn::ConcatUpperUpper(d, odd23, odd01);
#elif HWY_MAX_BYTES == 32
  const TagI d;
  out[0] = hn::ConcatLowerLower(d, in[1], in[0]);
  out[1] = hn::ConcatUpperUpper(d, in[1], in[0]);
#else
  out[0] = in[0];
#endif
}

// kN rows of weights; load gives the even and odd codes of blocks
// [unit * kUnit, (unit + 1) * kUnit) of row r as unsigned bytes.
struct NibbleSource {
  const uint8_t* row[kN];
  const uint8_t* edges;
  int64_t whole_units;
  VecU8 table;

  HWY_INLINE NibbleSource(const IntegerJob& job, int64_t first) {
    const int64_t row_bytes = job.weight->cols / 2;
    whole_units = row_bytes / (16 * kUnit);
    const int64_t rest = row_bytes - whole_units * 16 * kUnit;
    edges = job.edges;
    for (int i = 0; i < kN; ++i) {
      row[i] = job.row_data(first + i);
      if (rest == 0)
        continue;
      const uint8_t* from = row[i] + whole_units * 16 * kUnit;
      for (int64_t j = 0; j < 16 * kUnit; ++j)
        job.edges[i * 64 + j] = j < rest ? from[j] : 0;
    }
    table = hn::LoadDup128(TagU8(), job.table());
  }
  HWY_INLINE void load(int r, int64_t unit, VecU8& even, VecU8& odd) const {
    const TagU8 d;
    const hn::Repartition<uint16_t, TagI> d16;
    const uint8_t* from =
        unit < whole_units ? row[r] + unit * (16 * kUnit) : edges + r * 64;
    const VecU8 mask = hn::Set(d, 15);
    const VecU8 pairs = hn::LoadU(d, from);
    even = hn::TableLookupBytes(table, hn::And(pairs, mask));
    odd = hn::TableLookupBytes(
        table,
        hn::And(
            hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(d16, pairs))), mask));
  }
};

// Byte offset of the even codes of a unit in a split row; odd: 64 further.
HWY_INLINE int64_t split_at(int64_t unit) {
  constexpr int64_t kUnitsInGroup = 4 / kUnit;
  return unit / kUnitsInGroup * 128 + unit % kUnitsInGroup * (16 * kUnit);
}

struct SplitSource {
  const uint8_t* codes;
  int64_t stride;

  HWY_INLINE SplitSource(const IntegerJob& job, int64_t first) {
    codes = job.codes;
    stride = split_bytes(job.weight->cols);
    for (int i = 0; i < kN; ++i)
      unpack_split_row(*job.weight, job.row(first + i), job.codes + i * stride);
  }
  HWY_INLINE void load(int r, int64_t unit, VecU8& even, VecU8& odd) const {
    const TagU8 d;
    const uint8_t* from = codes + r * stride + split_at(unit);
    even = hn::LoadU(d, from);
    odd = hn::LoadU(d, from + 64);
  }
};

template <bool kWide>
HWY_INLINE VecI dot(VecI acc, VecU8 w, VecI8 x) {
  return kWide ? dot_wide(acc, w, x) : dot_small(acc, w, x);
}

HWY_INLINE void store_rows(
    const IntegerJob& job, VecF acc, int64_t token, int64_t row) {
  float* y = job.y + token * job.y_stride + (row - job.row_begin);
  if (row + kN <= job.row_end) {
    hn::StoreU(acc, TagF(), y);
    return;
  }
  float lane[kN];
  hn::StoreU(acc, TagF(), lane);
  for (int64_t i = 0; row + i < job.row_end; ++i)
    y[i] = lane[i];
}

// acc + the block's share, given the integer sum of every row.
HWY_INLINE VecF add_block(
    const IntegerJob& job,
    VecF acc,
    VecI sum,
    int64_t input_block,
    const float* scales,
    const float* biases) {
  const TagF d;
  const ProductInput& in = *job.input;
  const VecF factor =
      hn::Mul(hn::Set(d, in.scales[input_block]), hn::LoadU(d, scales));
  acc = hn::MulAdd(hn::ConvertTo(d, sum), factor, acc);
  if (biases != nullptr)
    acc = hn::MulAdd(
        hn::Set(d, in.scaled_sums[input_block]), hn::LoadU(d, biases), acc);
  return acc;
}

// kN rows from `first`, T tokens from `token`.
template <int T, int kPlanes, bool kWide, class Source>
HWY_NOINLINE void row_tile(
    const IntegerJob& job, const Source& source, int64_t first, int64_t token) {
  const TagI d;
  const TagI8 d8;
  const ProductInput& in = *job.input;
  const int8_t* x[T];
  int64_t block0[T];
  VecF acc[T];
  for (int t = 0; t < T; ++t) {
    const int64_t row = job.input_row(token + t);
    x[t] = in.codes + row * in.code_stride;
    block0[t] = row * in.blocks;
    acc[t] = hn::Zero(TagF());
  }
  const int32_t offset = job.offset();
  const int64_t units = (in.blocks + kUnit - 1) / kUnit;
  for (int64_t u = 0; u < units; ++u) {
    const int64_t at = kPlanes * (split_at(u) / 128 * 128) + split_at(u) % 128;
    VecI rows[T][kUnit];
    for (int q = 0; q < kUnit; ++q) {
      VecU8 even[4];
      VecU8 odd[4];
      for (int i = 0; i < 4; ++i)
        source.load(4 * q + i, u, even[i], odd[i]);
      for (int t = 0; t < T; ++t) {
        const VecI8 x_even = hn::LoadU(d8, x[t] + at);
        const VecI8 x_odd = hn::LoadU(d8, x[t] + at + 64);
        const VecI8 low_even = hn::LoadU(d8, x[t] + at + (kPlanes - 1) * 128);
        const VecI8 low_odd =
            hn::LoadU(d8, x[t] + at + (kPlanes - 1) * 128 + 64);
        VecI part[4];
        for (int i = 0; i < 4; ++i)
          part[i] = dot<kWide>(
              dot<kWide>(hn::Zero(d), even[i], x_even), odd[i], x_odd);
        if (kPlanes == 2)
          for (int i = 0; i < 4; ++i)
            part[i] = dot<kWide>(
                dot<kWide>(hn::ShiftLeft<8>(part[i]), even[i], low_even),
                odd[i],
                low_odd);
        VecI turned[4];
        transpose4(part, turned);
        rows[t][q] = hn::Add(
            hn::Add(turned[0], turned[1]), hn::Add(turned[2], turned[3]));
      }
    }
    for (int t = 0; t < T; ++t) {
      VecI sums[kUnit];
      transpose_blocks(rows[t], sums);
      for (int j = 0; j < kUnit; ++j) {
        const int64_t b = u * kUnit + j;
        if (b >= in.blocks)
          break;
        const VecI sum =
            hn::Sub(sums[j], hn::Set(d, offset * in.sums[block0[t] + b]));
        acc[t] = add_block(
            job,
            acc[t],
            sum,
            block0[t] + b,
            job.scales + b * kN,
            job.affine() ? job.biases + b * kN : nullptr);
      }
    }
  }
  for (int t = 0; t < T; ++t)
    store_rows(job, acc[t], token + t, first);
}

constexpr int64_t kRowTokens = 4;  // of the few-token kernel

template <int kPlanes, bool kWide, class Source>
HWY_INLINE void few_tokens(const IntegerJob& job) {
  for (int64_t r = job.row_begin; r < job.row_end; r += kN) {
    fill_scale_table(*job.weight, r, job.row_end, kN, job.scales, job.biases);
    const Source source(job, r);
    switch (job.count) {
      case 1:
        row_tile<1, kPlanes, kWide>(job, source, r, 0);
        break;
      case 2:
        row_tile<2, kPlanes, kWide>(job, source, r, 0);
        break;
      case 3:
        row_tile<3, kPlanes, kWide>(job, source, r, 0);
        break;
      default:
        row_tile<4, kPlanes, kWide>(job, source, r, 0);
        break;
    }
  }
}

// Vectors of rows in a panel, and tokens of a tile over it: the accumulators,
// integer and float32, stay in registers.
#if HWY_MAX_BYTES == 64
constexpr int kPanelVecs = 2;
constexpr int kPanelTokens = 6;
#else
constexpr int kPanelVecs = 1;
constexpr int kPanelTokens = 4;
#endif
constexpr int64_t kPanelLanes = kPanelVecs * kN;

// kN rows from `first` to panel vector p: int32 [block][8 quads][vec][kN].
template <class Source>
HWY_INLINE void fill_panel(
    const IntegerJob& job, int64_t first, int p, int32_t* panel) {
  const TagI d;
  const Source source(job, first);
  const int64_t blocks = job.input->blocks;
  const int64_t units = (blocks + kUnit - 1) / kUnit;
  for (int64_t u = 0; u < units; ++u) {
    VecI even_quads[4][kUnit];
    VecI odd_quads[4][kUnit];
    for (int q = 0; q < kUnit; ++q) {
      VecI even[4];
      VecI odd[4];
      for (int i = 0; i < 4; ++i) {
        VecU8 even_codes;
        VecU8 odd_codes;
        source.load(4 * q + i, u, even_codes, odd_codes);
        even[i] = hn::BitCast(d, even_codes);
        odd[i] = hn::BitCast(d, odd_codes);
      }
      VecI even_turned[4];
      VecI odd_turned[4];
      transpose4(even, even_turned);
      transpose4(odd, odd_turned);
      for (int i = 0; i < 4; ++i) {
        even_quads[i][q] = even_turned[i];
        odd_quads[i][q] = odd_turned[i];
      }
    }
    for (int i = 0; i < 4; ++i) {
      VecI even[kUnit];
      VecI odd[kUnit];
      transpose_blocks(even_quads[i], even);
      transpose_blocks(odd_quads[i], odd);
      for (int j = 0; j < kUnit && u * kUnit + j < blocks; ++j) {
        const int64_t quad = (u * kUnit + j) * 8 + i;
        hn::StoreU(even[j], d, panel + (quad * kPanelVecs + p) * kN);
        hn::StoreU(odd[j], d, panel + ((quad + 4) * kPanelVecs + p) * kN);
      }
    }
  }
}

template <int T, int kPlanes, bool kWide>
HWY_NOINLINE void panel_tile(
    const IntegerJob& job, const int32_t* panel, int64_t first, int64_t token) {
  const TagI d;
  const TagU8 du8;
  const TagI8 d8;
  const ProductInput& in = *job.input;
  const int8_t* x[T];
  int64_t block0[T];
  VecF acc[T][kPanelVecs];
  for (int t = 0; t < T; ++t) {
    const int64_t row = job.input_row(token + t);
    x[t] = in.codes + row * in.code_stride;
    block0[t] = row * in.blocks;
    for (int p = 0; p < kPanelVecs; ++p)
      acc[t][p] = hn::Zero(TagF());
  }
  const int32_t offset = job.offset();
  const bool affine = job.affine();
  for (int64_t b = 0; b < in.blocks; ++b) {
    const int64_t group = b / 4 * 128 * kPlanes + b % 4 * 16;
    VecI sum[T][kPanelVecs];
    for (int t = 0; t < T; ++t)
      for (int p = 0; p < kPanelVecs; ++p)
        sum[t][p] = kPlanes == 1 ? hn::Set(d, -offset * in.sums[block0[t] + b])
                                 : hn::Zero(d);
    for (int i = 0; i < 8 * kPlanes; ++i) {
      if (i == 8)
        for (int t = 0; t < T; ++t)
          for (int p = 0; p < kPanelVecs; ++p)
            sum[t][p] = hn::Add(
                hn::ShiftLeft<8>(sum[t][p]),
                hn::Set(d, -offset * in.sums[block0[t] + b]));
      const int quad = i % 8;
      const int64_t from =
          group + i / 8 * 128 + (quad < 4 ? 4 * quad : 48 + 4 * quad);
      VecU8 w[kPanelVecs];
      for (int p = 0; p < kPanelVecs; ++p)
        w[p] = hn::BitCast(
            du8, hn::LoadU(d, panel + ((b * 8 + quad) * kPanelVecs + p) * kN));
      for (int t = 0; t < T; ++t) {
        int32_t four;
        __builtin_memcpy(&four, x[t] + from, 4);
        const VecI8 xt = hn::BitCast(d8, hn::Set(d, four));
        for (int p = 0; p < kPanelVecs; ++p)
          sum[t][p] = dot<kWide>(sum[t][p], w[p], xt);
      }
    }
    for (int t = 0; t < T; ++t)
      for (int p = 0; p < kPanelVecs; ++p) {
        const int64_t lane = b * kPanelLanes + p * kN;
        acc[t][p] = add_block(
            job,
            acc[t][p],
            sum[t][p],
            block0[t] + b,
            job.scales + lane,
            affine ? job.biases + lane : nullptr);
      }
  }
  for (int t = 0; t < T; ++t)
    for (int p = 0; p < kPanelVecs; ++p)
      if (first + p * kN < job.row_end)
        store_rows(job, acc[t][p], token + t, first + p * kN);
}

template <int kPlanes, bool kWide, class Source>
HWY_INLINE void many_tokens(const IntegerJob& job) {
  // Split rows lie behind the panel.
  int32_t* panel = reinterpret_cast<int32_t*>(job.codes);
  IntegerJob filling = job;
  filling.codes = job.codes + split_bytes(job.weight->cols) * kPanelLanes;
  for (int64_t r = job.row_begin; r < job.row_end; r += kPanelLanes) {
    fill_scale_table(
        *job.weight, r, job.row_end, kPanelLanes, job.scales, job.biases);
    for (int p = 0; p < kPanelVecs; ++p)
      fill_panel<Source>(filling, r + p * kN, p, panel);
    int64_t t = 0;
    for (; t + kPanelTokens <= job.count; t += kPanelTokens)
      panel_tile<kPanelTokens, kPlanes, kWide>(job, panel, r, t);
    for (; t + 2 <= job.count; t += 2)
      panel_tile<2, kPlanes, kWide>(job, panel, r, t);
    if (t < job.count)
      panel_tile<1, kPlanes, kWide>(job, panel, r, t);
  }
}

template <int kPlanes, bool kWide, class Source>
HWY_INLINE void run_source(const IntegerJob& job) {
  if (job.count <= kRowTokens)
    few_tokens<kPlanes, kWide, Source>(job);
  else
    many_tokens<kPlanes, kWide, Source>(job);
}

void run_integer(const IntegerJob& job) {
  if (job.two_planes()) {
    run_source<2, false, NibbleSource>(job);
  } else if (job.nibbles()) {
    run_source<1, false, NibbleSource>(job);
#if HWY_TARGET != HWY_AVX3_DL
  } else if (job.weight->bits == 8) {
    run_source<1, true, SplitSource>(job);
#endif
  } else {
    run_source<1, false, SplitSource>(job);
  }
}

// encode_activation_block, for 32 values: the even ones, then the odd ones.
HWY_INLINE void encode_block(
    const float* x, int32_t limit, int32_t* codes, float* scale) {
  const TagF d;
  const TagI di;
  constexpr int kParts = 16 / kN;
  VecF evens[kParts];
  VecF odds[kParts];
  const VecI no_sign = hn::Set(di, 0x7FFFFFFF);
  VecI largest = hn::Zero(di);
  for (int i = 0; i < kParts; ++i) {
    hn::LoadInterleaved2(d, x + 2 * kN * i, evens[i], odds[i]);
    largest = hn::Max(largest, hn::And(hn::BitCast(di, evens[i]), no_sign));
    largest = hn::Max(largest, hn::And(hn::BitCast(di, odds[i]), no_sign));
  }
  const int32_t bits = hn::GetLane(hn::MaxOfLanes(di, largest));
  float amax;
  __builtin_memcpy(&amax, &bits, 4);
  const bool finite = bits < 0x7F800000;
  const bool zero = !finite || amax < kSmallestBlock;
  const float top = static_cast<float>(limit);
  *scale = !finite ? __builtin_nanf("") : zero ? 0 : amax / top;
  const VecF inverse = hn::Set(d, zero ? 0 : top / amax);
  for (int i = 0; i < kParts; ++i) {
    // A NaN times zero becomes some integer; it must be zero.
    const VecI mask = hn::Set(di, zero ? 0 : -1);
    const VecI e = hn::And(hn::NearestInt(hn::Mul(evens[i], inverse)), mask);
    const VecI o = hn::And(hn::NearestInt(hn::Mul(odds[i], inverse)), mask);
    hn::StoreU(e, di, codes + i * kN);
    hn::StoreU(o, di, codes + 16 + i * kN);
  }
}

#endif  // HWY_TARGET != HWY_SCALAR

void PrepareInteger(
    const ProductInput& input,
    const float* x,
    int64_t x_stride,
    int64_t begin,
    int64_t end) {
  const bool two = input.format == ActivationFormat::int16;
  const int planes = two ? 2 : 1;
  for (int64_t r = begin; r < end; ++r) {
    const float* from = x + r * x_stride;
    int8_t* codes = input.codes + r * input.code_stride;
    for (int64_t i = input.cols / 128 * 128 * planes; i < input.code_stride;
         ++i)
      codes[i] = 0;
    for (int64_t b = 0; b < input.blocks; ++b) {
      float last[32];
      const float* block = from + b * 32;
      if (b * 32 + 32 > input.cols) {
        for (int64_t i = 0; i < 32; ++i)
          last[i] = b * 32 + i < input.cols ? block[i] : 0;
        block = last;
      }
      int8_t* even = codes + b / 4 * 128 * planes + b % 4 * 16;
      float scale;
      int32_t split[32];
      encode_block(block, two ? kInt16Limit : kInt8Limit, split, &scale);
      int32_t sum = 0;
      for (int i = 0; i < 32; ++i) {
        int8_t* to = even + i / 16 * 64 + i % 16;
        sum += split[i];
        if (two) {
          const int32_t high = (split[i] + 128) >> 8;
          to[0] = static_cast<int8_t>(high);
          to[128] = static_cast<int8_t>(split[i] - 256 * high);
        } else {
          to[0] = static_cast<int8_t>(split[i]);
        }
      }
      const int64_t at = r * input.blocks + b;
      input.scales[at] = scale;
      input.sums[at] = sum;
      input.scaled_sums[at] = scale * static_cast<float>(sum);
    }
  }
}

void IntegerProduct(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    std::byte* scratch) {
  const int64_t table = (input.blocks * kIntegerPanelRows * 4 + 63) / 64 * 64;
  uint8_t* bytes = reinterpret_cast<uint8_t*>(scratch);
  run_integer(
      {&input,
       ids,
       count,
       &weight,
       row_begin,
       row_end,
       y,
       y_stride,
       reinterpret_cast<float*>(bytes),
       reinterpret_cast<float*>(bytes + table),
       bytes + 2 * table + 16 * 64,
       bytes + 2 * table});
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(PrepareInteger);
HWY_EXPORT(IntegerProduct);

void prepare_integer_input(
    const ProductInput& input,
    const float* x,
    int64_t x_stride,
    int64_t begin,
    int64_t end) {
  HWY_DYNAMIC_DISPATCH(PrepareInteger)(input, x, x_stride, begin, end);
}

void integer_product(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    std::byte* scratch) {
  HWY_DYNAMIC_DISPATCH(IntegerProduct)
  (input, ids, count, weight, row_begin, row_end, y, y_stride, scratch);
}

int64_t integer_scratch_bytes(int64_t cols) {
  const int64_t blocks = (cols + 31) / 32;
  const int64_t table = (blocks * kIntegerPanelRows * 4 + 63) / 64 * 64;
  const int64_t split = split_bytes(cols);
  // Tables, edges, a panel, and the split rows that fill one of its vectors.
  return 2 * table + 16 * 64 + split * (kIntegerPanelRows + 16);
}

}  // namespace hadal
#endif
