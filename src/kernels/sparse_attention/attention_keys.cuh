// A token's key list on a GPU (positions below 2^31) and how it is cut: tiles,
// the keys that a block holds at a time, and spans, the tiles that share one
// partial sum.
#pragma once

#include <cstdint>

#include "kernels/cuda/rows.cuh"
#include "kernels/sparse_attention/sparse_attention_params.h"

namespace hadal::cuda {

// At most so many spans of compressed keys a token.
constexpr int kMostSpans = 32;

// Tiles a span, so that there are at most kMostSpans: a power of two.
__host__ __device__ inline int span_tiles(int tiles) {
  int result = 1;
  while (result * kMostSpans < tiles)
    result *= 2;
  return result;
}

constexpr int ceil_divide(int a, int b) {
  return (a + b - 1) / b;
}

// Where a token of the call stands.
struct TokenPlace {
  int32_t sequence;
  int32_t token;  // of its sequence's chunk
};

// The key list of sparse_attention.h: `windows` keys, then `compressed` ones,
// either cut into tiles of kKeys from its first key on. A window's tile is a
// span of its own.
struct KeyList {
  int64_t position = 0;
  int64_t first_window = 0;  // position
  int windows = 0;
  int compressed = 0;
  int window_tiles = 0;
  int tiles = 0;
  int per_span = 1;  // compressed tiles

  __device__ int spans() const {
    return window_tiles + (tiles - window_tiles + per_span - 1) / per_span;
  }
  // The first tile of a span; of spans(): tiles.
  __device__ int first_tile(int span) const {
    return span <= window_tiles
               ? span
               : min(tiles, window_tiles + (span - window_tiles) * per_span);
  }
  __device__ bool ends_span(int tile) const {
    return tile < window_tiles || tile == tiles - 1 ||
           (tile - window_tiles + 1) % per_span == 0;
  }
};

__device__ inline KeyList key_list(
    const SparseAttentionParams& params, int64_t token, int keys_per_tile) {
  KeyList list;
  list.position = params.first_position + token;
  list.first_window = max(int64_t{0}, list.position - params.window + 1);
  list.windows = static_cast<int>(list.position + 1 - list.first_window);
  if (params.selected != nullptr)
    list.compressed = params.counts[token];
  else if (params.ratio != 0)
    list.compressed = static_cast<int>(
        static_cast<uint32_t>(list.position + 1) /
        static_cast<uint32_t>(params.ratio));
  list.window_tiles = ceil_divide(list.windows, keys_per_tile);
  const int compressed_tiles = ceil_divide(list.compressed, keys_per_tile);
  list.tiles = list.window_tiles + compressed_tiles;
  list.per_span = span_tiles(compressed_tiles);
  return list;
}

// Where the row of key `key` of the tile lies; null behind the list's end.
__device__ inline const std::byte* key_row(
    const SparseAttentionParams& params,
    const KeyList& list,
    int64_t token,
    int tile,
    int key,
    int keys_per_tile) {
  if (tile < list.window_tiles) {
    const int j = tile * keys_per_tile + key;
    if (j >= list.windows)
      return nullptr;
    const int64_t bytes = params.window_layout.row_bytes();
    const int64_t position = list.first_window + j;
    return position >= params.first_position
               ? params.chunk_rows + (position - params.first_position) * bytes
               : params.ring + static_cast<uint32_t>(position) %
                                   static_cast<uint32_t>(params.ring_capacity) *
                                   bytes;
  }
  const int i = (tile - list.window_tiles) * keys_per_tile + key;
  if (i >= list.compressed)
    return nullptr;
  const auto row = static_cast<uint32_t>(
      params.selected != nullptr
          ? params.selected[token * params.selected_stride + i]
          : i);
  const auto in_page = static_cast<uint32_t>(params.compressed.rows_per_page);
  return params.compressed.pages[row / in_page] +
         row % in_page * params.compressed.layout.row_bytes();
}

}  // namespace hadal::cuda
