// What a lane holds of a row's segment, as the matrix instructions take it.
#pragma once

#include "kernels/linear/matrix_product.cuh"

namespace hadal::cuda {

// A lane's weights of a segment of one row, as pairs.
template <WeightFormat kFormat>
struct Codes;

template <>
struct Codes<WeightFormat::bf16> {
  uint4 low;
  uint4 high;
  __device__ void load(const WeightView& view, int64_t row, int64_t k) {
    const auto* const at = reinterpret_cast<const uint4*>(
        view.data + row * view.row_bytes + 2 * k);
    low = __ldcs(at);
    high = __ldcs(at + 1);
  }
  __device__ void pairs(Pair (&w)[8]) const {
    w[0] = low.x, w[1] = low.y, w[2] = low.z, w[3] = low.w;
    w[4] = high.x, w[5] = high.y, w[6] = high.z, w[7] = high.w;
  }
};

template <>
struct Codes<WeightFormat::fp8_block> {
  uint4 codes;
  __device__ void load(const WeightView& view, int64_t row, int64_t k) {
    codes = __ldcs(
        reinterpret_cast<const uint4*>(view.data + row * view.row_bytes + k));
  }
  __device__ void pairs(Pair (&w)[8]) const {
    const uint32_t words[4] = {codes.x, codes.y, codes.z, codes.w};
    for (int i = 0; i < 4; ++i) {
      w[2 * i] = e4m3_pair(words[i]);
      w[2 * i + 1] = e4m3_pair(words[i] >> 16);
    }
  }
};

template <>
struct Codes<WeightFormat::mxfp8> {
  Codes<WeightFormat::fp8_block> plain;
  uint32_t scale;
  __device__ void load(const WeightView& view, int64_t row, int64_t k) {
    plain.load(view, row, k);
    scale = reinterpret_cast<const uint8_t*>(
        view.scales + row * view.scale_stride)[k / 32];
  }
  __device__ void pairs(Pair (&w)[8]) const {
    plain.pairs(w);
    const Pair factor = e8m0_pair(scale);
    for (Pair& pair : w)
      pair = multiply(pair, factor);
  }
};

template <>
struct Codes<WeightFormat::mxfp4> {
  uint4 codes;
  uint32_t scale;
  __device__ void load(const WeightView& view, int64_t row, int64_t k) {
    codes = __ldcs(reinterpret_cast<const uint4*>(
        view.data + row * view.row_bytes + k / 2));
    scale = reinterpret_cast<const uint8_t*>(
        view.scales + row * view.scale_stride)[k / 32];
  }
  __device__ void pairs(Pair (&w)[16]) const {
    const Pair factor = e8m0_pair(scale);
    const uint32_t words[4] = {codes.x, codes.y, codes.z, codes.w};
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j)
        w[4 * i + j] = multiply(e2m1_pair(words[i] >> (4 * j)), factor);
  }
};

}  // namespace hadal::cuda
