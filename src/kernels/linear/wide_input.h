// Inputs of wide products: activations rounded to bfloat16 in slabs
// (wide_kernel.h), and the tiles of grouped ones.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear/wide_kernel.h"

namespace hadal::cuda {

// The order of a segment's columns (matrix_product.h, 2).
enum class WideOrder : uint8_t { bf16, e4m3, e2m1, affine };

constexpr WideOrder wide_order(WideKind kind) {
  switch (kind) {
    case WideKind::bf16:
      return WideOrder::bf16;
    case WideKind::e2m1:
      return WideOrder::e2m1;
    case WideKind::affine4:
    case WideKind::affine8:
      return WideOrder::affine;
    default:
      return WideOrder::e4m3;
  }
}

struct WideInput {
  const float* x = nullptr;  // [tokens, x_stride]
  int64_t x_stride = 0;
  int64_t cols = 0;
  WideOrder order = WideOrder::bf16;
  std::byte* slabs = nullptr;
  int64_t slab_bytes = 0;
  int32_t group = 0;      // affine: columns of a sum
  float* sums = nullptr;  // affine: [padded cols / group, sums_stride]
  int64_t sums_stride = 0;
  int32_t tokens = 0;
  // Grouped: as in WideLaunch; entry e is row rows[e], or row e.
  const WideTile* tiles = nullptr;
  const int32_t* tile_count = nullptr;
  const int32_t* rows = nullptr;
};

// Prepares all tokens of a product that is not grouped.
void prepare_wide_input(const WideInput& input);

// The tiles of `groups` groups (first [groups + 1], device), each of at most
// `tile_tokens` tokens, into tiles and tile_count (device).
void plan_wide_tiles(
    const int32_t* first,
    int64_t groups,
    int tile_tokens,
    WideTile* tiles,
    int32_t* tile_count);

// Prepares the tokens of at most `most_tiles` tiles.
void prepare_wide_tiles(
    const WideInput& input, int64_t most_tiles, int tile_tokens);

}  // namespace hadal::cuda
