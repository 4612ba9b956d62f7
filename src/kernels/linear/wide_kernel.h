// What the kernels of wide products (wide_kernel.cuh) and their launcher agree
// on.
//
// Prepared inputs: bfloat16 numbers of `padded_tokens` (a multiple of 8)
// tokens, in slabs of 64 columns in the instructions' order (four instructions,
// two slabs a segment; matrix_product.h). A slab is [padded_tokens][128 bytes];
// the 16-byte piece c of token t lies at piece c xor (t mod 8). So the tokens t
// .. t + n of a slab are one piece of memory, which the copy engine brings into
// shared memory as the instructions read it, wherever a tile of tokens begins.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear/matrix_product.h"

namespace hadal::cuda {

enum class WideKind : uint8_t {
  bf16,
  e4m3_block,  // E8M0 scales
  e4m3_group,  // mxfp8
  e4m3_apart,  // blocks with other scales
  e2m1,
  affine4,
  affine8,
};

constexpr bool is_affine(WideKind kind) {
  return kind == WideKind::affine4 || kind == WideKind::affine8;
}
// Sums of codes are scaled after a group or a segment.
constexpr bool is_apart(WideKind kind) {
  return is_affine(kind) || kind == WideKind::e4m3_apart;
}

constexpr int kWideWarpgroups = 2;  // that multiply, 64 rows each
constexpr int kWideRows = 64 * kWideWarpgroups;
// A whole warpgroup loads, though one lane of it works: registers are moved
// between warpgroups.
constexpr int kWideThreads = 128 * (kWideWarpgroups + 1);
constexpr int kWideCluster = 2;  // blocks that share the loading of tokens
constexpr int kSlabColumns = 64;
constexpr int kSlabRowBytes = 128;
// Tiles of tokens that are multiplied with a tile of rows before the next rows
// come: their inputs stay in the second-level cache.
constexpr int kTilesTogether = 16;

// A tile of tokens of a group.
struct WideTile {
  int32_t group = 0;
  int32_t input = 0;   // its first prepared token, a multiple of 8
  int32_t output = 0;  // its first row of y
  int32_t count = 0;   // tokens that exist
  // Of the tiles that share the weights: where they begin, how many.
  int32_t first_tile = 0;
  int32_t tiles = 0;
};

struct WideJob {
  WeightView weight;                  // what all groups have in common
  const WeightView* views = nullptr;  // device, [groups]; null: `weight`
  const std::byte* x = nullptr;       // prepared inputs
  int64_t slab_bytes = 0;
  const float* sums = nullptr;  // affine: [padded cols / group, padded_tokens]
  int64_t sums_stride = 0;
  float* y = nullptr;
  int64_t y_stride = 0;
};

constexpr int kMostWideJobs = 8;
struct WideLaunch {
  WideJob jobs[kMostWideJobs];
  int32_t count = 0;
  // Grouped: the tiles and their number, in device memory. Else null, and all
  // tiles of `tokens` tokens.
  const WideTile* tiles = nullptr;
  const int32_t* tile_count = nullptr;
  int32_t tokens = 0;
};

using WideKernel = void (*)(WideLaunch);
struct WideForm {
  WideKernel kernel = nullptr;
  int64_t shared_bytes = 0;
};
// For tiles of 32, 64 or 128 tokens (128: not is_apart()).
WideForm wide_form_32(WideKind kind);
WideForm wide_form_64(WideKind kind);
WideForm wide_form_128(WideKind kind);

}  // namespace hadal::cuda
