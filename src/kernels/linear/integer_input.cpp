// Activations to integer codes, in the layout of integer_input.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/integer_input.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/linear/activation_codes.h"
#include "kernels/linear/integer_input.h"
#include "kernels/simd/byte_dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

struct EncodedBlock {
  float scale;
  int32_t sum;
};

#if HWY_TARGET == HWY_SCALAR

// 32 values to 16 bytes of even columns at `to`, 16 of odd ones 64 further, and
// the low bytes of int16 behind them.
EncodedBlock encode_codes(const float* x, bool two, int8_t* to) {
  int32_t codes[32];
  const float scale =
      encode_activation_block(x, 32, two ? kInt16Limit : kInt8Limit, codes);
  int32_t sum = 0;
  for (int i = 0; i < 32; ++i) {
    int8_t* at = to + i % 2 * 64 + i / 2;
    const int32_t high = two ? (codes[i] + 128) >> 8 : codes[i];
    sum += codes[i];
    at[0] = static_cast<int8_t>(high);
    if (two)
      at[kGroupColumns] = static_cast<int8_t>(codes[i] - 256 * high);
  }
  return {scale, sum};
}

#else

HWY_INLINE EncodedBlock encode_codes(const float* x, bool two, int8_t* to) {
  const TagI di;
  const hn::Rebind<float, TagI> d;
  const hn::Rebind<int8_t, TagI> d8;
  constexpr int kN = static_cast<int>(HWY_LANES(int32_t));
  constexpr int kParts = 16 / kN;
  hn::Vec<decltype(d)> values[2][kParts];  // even, odd
  const VecI no_sign = hn::Set(di, 0x7FFFFFFF);
  VecI largest = hn::Zero(di);
  for (int i = 0; i < kParts; ++i) {
    hn::LoadInterleaved2(d, x + 2 * kN * i, values[0][i], values[1][i]);
    for (int odd = 0; odd < 2; ++odd)
      largest =
          hn::Max(largest, hn::And(hn::BitCast(di, values[odd][i]), no_sign));
  }
  const int32_t bits = hn::GetLane(hn::MaxOfLanes(di, largest));
  float amax;
  __builtin_memcpy(&amax, &bits, 4);
  const bool finite = bits < 0x7F800000;
  const bool zero = !finite || amax < kSmallestBlock;
  const float limit = static_cast<float>(two ? kInt16Limit : kInt8Limit);
  const auto inverse = hn::Set(d, zero ? 0 : limit / amax);
  // A NaN times zero becomes some integer; it must be zero.
  const VecI mask = hn::Set(di, zero ? 0 : -1);
  VecI sum = hn::Zero(di);
  for (int odd = 0; odd < 2; ++odd)
    for (int i = 0; i < kParts; ++i) {
      const VecI code =
          hn::And(hn::NearestInt(hn::Mul(values[odd][i], inverse)), mask);
      sum = hn::Add(sum, code);
      int8_t* at = to + odd * 64 + i * kN;
      if (!two) {
        hn::StoreU(hn::DemoteTo(d8, code), d8, at);
        continue;
      }
      const VecI high = hn::ShiftRight<8>(hn::Add(code, hn::Set(di, 128)));
      const VecI low = hn::Sub(code, hn::ShiftLeft<8>(high));
      hn::StoreU(hn::DemoteTo(d8, high), d8, at);
      hn::StoreU(hn::DemoteTo(d8, low), d8, at + kGroupColumns);
    }
  const float scale = !finite ? __builtin_nanf("") : zero ? 0 : amax / limit;
  return {scale, hn::GetLane(hn::SumOfLanes(di, sum))};
}

#endif

// Block b of the group that begins at `group`.
HWY_INLINE void encode_block(
    ActivationFormat format, const float* x, int b, int8_t* group) {
  const EncodedBlock block =
      encode_codes(x, format == ActivationFormat::int16, group + 16 * b);
  BlockFactors* factors = reinterpret_cast<BlockFactors*>(
      group + group_bytes(format) - sizeof(BlockFactors));
  factors->scale[b] = block.scale;
  factors->offset[b] = -kFp4Offset * block.sum;
  factors->scaled_sum[b] = block.scale * static_cast<float>(block.sum);
}

void PrepareRow(
    ActivationFormat format, const float* x, int64_t cols, int8_t* row) {
  const int64_t bytes = group_bytes(format);
  const int64_t places = kGroupSets * groups_in_set(cols);
  for (int64_t g = cols / kGroupColumns; g < places; ++g)
    __builtin_memset(
        row + group_place(g, cols) * bytes, 0, static_cast<size_t>(bytes));
  for (int64_t k = 0; k < cols; k += 32) {
    int8_t* group = row + group_place(k / kGroupColumns, cols) * bytes;
    const int b = static_cast<int>(k % kGroupColumns / 32);
    if (k + 32 <= cols) {
      encode_block(format, x + k, b, group);
      continue;
    }
    float last[32] = {};
    for (int64_t i = k; i < cols; ++i)
      last[i - k] = x[i];
    encode_block(format, last, b, group);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(PrepareRow);

void prepare_integer_row(
    ActivationFormat format, const float* x, int64_t cols, int8_t* row) {
  HWY_DYNAMIC_DISPATCH(PrepareRow)(format, x, cols, row);
}

}  // namespace hadal
#endif
