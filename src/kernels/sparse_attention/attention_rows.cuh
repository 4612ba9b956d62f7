// What a block of the attention holds in shared memory: its heads' queries in
// two parts, and a tile of keys on its way from the stored rows.
#pragma once

#include "kernels/sparse_attention/attention_room.cuh"
#include "kernels/sparse_attention/key_tile.cuh"

namespace hadal::cuda {

constexpr int kAttentionThreads = 512;
constexpr int kAttentionWarps = kAttentionThreads / kWarp;

// Calls are the whole block's, with a barrier between those that write and
// those that read.
template <int kTiles, int kKeys, int kParts>
class AttentionRows {
 public:
  using Room = AttentionRoom<kTiles, kKeys, kParts>;

  std::byte* memory;
  Room room;
  const SparseAttentionParams& params;  // in shared memory
  KeyList list;
  int64_t token;
  int first_head;
  const std::byte** rows;  // [kKeys], shared

  __device__ void load_queries() {
    constexpr int kMost = kMostDim / (2 * kWarp);  // pairs of a lane
    auto* const high = reinterpret_cast<Pair*>(memory);
    Pair* const low = high + Room::kHeads * room.row() / 2;
    const int dim = static_cast<int>(params.dim);
    const float* const q =
        params.q + (token * params.heads + first_head) * params.dim;
    const int heads = static_cast<int>(params.heads) - first_head;
    const int lane = threadIdx.x % kWarp;
#pragma unroll 1
    for (int head = threadIdx.x / kWarp; head < Room::kHeads;
         head += kAttentionWarps) {
      float2 pairs[kMost];
#pragma unroll
      for (int i = 0; i < kMost; ++i) {
        const int channel = 2 * (i * kWarp + lane);
        pairs[i] = {0, 0};
        if (head < heads && channel < dim)
          pairs[i] = *reinterpret_cast<const float2*>(
              q + static_cast<int64_t>(head) * dim + channel);
      }
#pragma unroll
      for (int i = 0; i < kMost; ++i) {
        const int at = i * kWarp + lane;
        if (2 * at >= room.padded)
          break;
        const SplitPair split = split_pair(pairs[i].x, pairs[i].y);
        high[head * room.row() / 2 + at] = split.high;
        low[head * room.row() / 2 + at] = split.low;
      }
    }
  }

  __device__ void find_rows(int tile) {
    if (threadIdx.x < kKeys)
      rows[threadIdx.x] =
          key_row(params, list, token, tile, threadIdx.x, kKeys);
  }

  // Copies of the tile's rows, of which find_rows() is done.
  __device__ void copy_rows(int tile) {
    const auto bytes = static_cast<int>(layout(tile).row_bytes());
#pragma unroll 1
    for (int key = threadIdx.x / kWarp; key < kKeys; key += kAttentionWarps)
      if (rows[key] != nullptr)
        copy_row(raw_row(key), rows[key], bytes);
    end_of_copies();
  }

  // Rows behind the list's end become zeros.
  __device__ void widen_rows(int tile) {
    const int keys = keys_of(tile);
    if (layout(tile).format == RowFormat::fp8) {
      if constexpr (kParts > 1)
#pragma unroll 1
        for (int key = threadIdx.x / kWarp; key < kKeys; key += kAttentionWarps)
          for (int part = 1; part < kParts; ++part)
            clear_row(part, key);
      widen_fp8_rows(layout(tile), keys);
      return;
    }
#pragma unroll 1
    for (int key = threadIdx.x / kWarp; key < kKeys; key += kAttentionWarps)
      if (key < keys)
        widen_row<kParts>(
            layout(tile), raw_row(key), key_row_of(0, key), room.part_stride());
      else
        for (int part = 0; part < kParts; ++part)
          clear_row(part, key);
  }

  // A lane widens the same place of all rows of its warp at once: so many reads
  // of shared memory are on their way together.
  __device__ void widen_fp8_rows(const RowLayout& layout, int keys) {
    constexpr int kEach = kKeys / kAttentionWarps;
    const int warp = threadIdx.x / kWarp;
    const int lane = threadIdx.x % kWarp;
    const int dim = static_cast<int>(layout.dim);
    const int coded = static_cast<int>(fp8_row_scales(layout));
    const int rotary = static_cast<int>(fp8_row_rotary(layout));
    const auto key_of = [&](int i) { return i * kAttentionWarps + warp; };
#pragma unroll 1
    for (int word = lane; word < coded / 4; word += kWarp) {
      uint32_t codes[kEach];
      uint32_t scales[kEach];
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        const std::byte* const raw = raw_row(key_of(i));
        codes[i] = reinterpret_cast<const uint32_t*>(raw)[word];
        scales[i] = static_cast<uint32_t>(
            raw[coded + 4 * word / static_cast<int>(kFp8RowBlock)]);
      }
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
        uint2 wide = widen_codes(codes[i], scale_pair(scales[i]));
        if (key_of(i) >= keys)
          wide = {0, 0};
        reinterpret_cast<uint2*>(key_row_of(0, key_of(i)))[word] = wide;
      }
    }
#pragma unroll 1
    for (int pair = lane; pair < (dim - coded) / 2; pair += kWarp) {
      uint32_t words[kEach][2];
#pragma unroll
      for (int i = 0; i < kEach; ++i)
#pragma unroll
        for (int w = 0; w < 2; ++w)
          words[i][w] = reinterpret_cast<const uint32_t*>(
              raw_row(key_of(i)))[rotary / 4 + pair + w];
#pragma unroll
      for (int i = 0; i < kEach; ++i)
        reinterpret_cast<Pair*>(key_row_of(0, key_of(i)))[coded / 2 + pair] =
            key_of(i) < keys
                ? __funnelshift_r(words[i][0], words[i][1], rotary % 4 * 8)
                : 0;
    }
  }

  __device__ void clear_row(int part, int key) {
    auto* const pairs = reinterpret_cast<Pair*>(key_row_of(part, key));
#pragma unroll 1
    for (int i = threadIdx.x % kWarp; i < room.padded / 2; i += kWarp)
      pairs[i] = 0;
  }

  // Channels behind the last one are zeros throughout.
  __device__ void clear_padding() {
    const int dim = static_cast<int>(params.dim);
    if (dim == room.padded)
      return;
#pragma unroll 1
    for (int row = threadIdx.x / kWarp; row < kParts * kKeys;
         row += kAttentionWarps)
#pragma unroll 1
      for (int i = dim + threadIdx.x % kWarp; i < room.padded; i += kWarp)
        key_row_of(0, row)[i] = 0;
  }

  __device__ const RowLayout& layout(int tile) const {
    return tile < list.window_tiles ? params.window_layout
                                    : params.compressed.layout;
  }
  __device__ int keys_of(int tile) const {
    return tile < list.window_tiles
               ? list.windows - tile * kKeys
               : list.compressed - (tile - list.window_tiles) * kKeys;
  }
  __device__ uint16_t* query_row(int part, int head) const {
    return reinterpret_cast<uint16_t*>(memory) +
           (part * Room::kHeads + head) * room.row();
  }
  __device__ uint16_t* key_row_of(int part, int key) const {
    return reinterpret_cast<uint16_t*>(memory + room.keys()) +
           part * room.part_stride() + key * room.row();
  }
  __device__ std::byte* raw_row(int key) const {
    return memory + room.raw() + key * room.raw_stride;
  }
  __device__ float* scores(int quarter) const {
    return reinterpret_cast<float*>(memory + room.scores()) +
           quarter * Room::kHeads * Room::kScoreStride;
  }
  __device__ uint16_t* weights(int part) const {
    return reinterpret_cast<uint16_t*>(memory + room.weights()) +
           part * Room::kHeads * Room::kScoreStride;
  }
};

}  // namespace hadal::cuda
