// How a block of the attention divides its shared memory.
#pragma once

#include <cstdint>

#include "kernels/sparse_attention/attention_keys.cuh"

namespace hadal::cuda {

constexpr int kMostDim = 512;
constexpr int kTileHeads = 16;  // rows of the matrix instruction
constexpr int kQuarters = 4;    // of the channels, summed apart in a score
constexpr int kPad = 8;         // numbers: rows then start in different banks

// kTiles: times 16 heads of a block. kKeys: keys of a tile. kParts: bfloat16
// parts of a key's number.
template <int kTiles, int kKeys, int kParts>
struct AttentionRoom {
  static constexpr int kHeads = kTiles * kTileHeads;
  static constexpr int kScoreStride = kKeys + kPad;

  int padded = 0;  // channels, a multiple of 64
  int raw_stride = 0;

  __host__ __device__ int row() const { return padded + kPad; }
  // Offsets in bytes, in this order.
  __host__ __device__ int keys() const { return 2 * kHeads * row() * 2; }
  __host__ __device__ int part_stride() const { return kKeys * row(); }
  __host__ __device__ int raw() const {
    return keys() + kParts * part_stride() * 2;
  }
  __host__ __device__ int scores() const { return raw() + kKeys * raw_stride; }
  __host__ __device__ int weights() const {
    return scores() + kQuarters * kHeads * kScoreStride * 4;
  }
  __host__ __device__ int bytes() const {
    return weights() + 2 * kHeads * kScoreStride * 2;
  }
};

}  // namespace hadal::cuda
