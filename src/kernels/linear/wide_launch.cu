#include "kernels/linear/wide_launch.h"

#include <algorithm>
#include <array>

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"

namespace hadal::cuda {
namespace {

// The kernel of tiles of `tokens` tokens.
WideForm form_of(WideKind kind, int tokens) {
  return tokens == 32   ? wide_form_32(kind)
         : tokens == 64 ? wide_form_64(kind)
                        : wide_form_128(kind);
}

int multiprocessors() {
  static const int kCount = [] {
    int device = 0;
    int count = 0;
    check(cudaGetDevice(&device), "finding the device");
    check(
        cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
        "asking the device");
    return count;
  }();
  return kCount;
}

}  // namespace

std::optional<WideKind> wide_kind(const WeightView& weight) {
  switch (weight.format) {
    case WeightFormat::bf16:
      return WideKind::bf16;
    case WeightFormat::fp8_block:
      return weight.scale_format == ScaleFormat::e8m0 ? WideKind::e4m3_block
                                                      : WideKind::e4m3_apart;
    case WeightFormat::mxfp8:
      return WideKind::e4m3_group;
    case WeightFormat::mxfp4:
      return WideKind::e2m1;
    case WeightFormat::affine:
      if (weight.bits == 4)
        return WideKind::affine4;
      if (weight.bits == 8)
        return WideKind::affine8;
      break;
    default:
      break;
  }
  return std::nullopt;
}

bool knows_warpgroups() {
  static const bool kKnows = [] {
#ifdef HADAL_WARPGROUP_PRODUCTS
    constexpr int kCapability = 90;
    cudaFuncAttributes attributes;
    const WideForm form = wide_form_32(WideKind::bf16);
    if (cudaFuncGetAttributes(
            &attributes, reinterpret_cast<const void*>(form.kernel)) !=
        cudaSuccess) {
      cudaGetLastError();
      return false;
    }
    return attributes.binaryVersion == kCapability &&
           attributes.ptxVersion == kCapability;
#else
    return false;
#endif
  }();
  return kKnows;
}

// Where tiles of tokens are as large as they can be, weights are unpacked for
// more tokens; where they are small, more multiprocessors have work. In units
// of a token's share of a full tile.
int best_wide_tile(WideKind kind, int64_t tokens, int64_t row_pairs) {
  struct Choice {
    int tokens;
    int64_t cost;  // of a tile
    int together;  // on a multiprocessor
  };
  constexpr std::array<Choice, 3> kChoices{
      {{128, 128, 1}, {64, 80, 1}, {32, 112, 2}}};
  int best = 0;
  int64_t least = 0;
  const int64_t clusters = multiprocessors() / kWideCluster;
  for (const Choice& choice : kChoices) {
    if (choice.tokens == 128 && is_apart(kind))
      continue;
    const int64_t units =
        row_pairs * ((tokens + choice.tokens - 1) / choice.tokens);
    const int64_t at_once = clusters * choice.together;
    const int64_t cost = (units + at_once - 1) / at_once * choice.cost;
    if (best == 0 || cost < least) {
      best = choice.tokens;
      least = cost;
    }
  }
  return best;
}

void start_wide(
    WideKind kind,
    int tile_tokens,
    const WideLaunch& what,
    int64_t most_units) {
  const WideForm form = form_of(kind, tile_tokens);
  allow_shared_memory(
      reinterpret_cast<const void*>(form.kernel), form.shared_bytes);
  const int64_t together = tile_tokens == 32 ? 2 : 1;
  const int64_t clusters =
      std::min(most_units, multiprocessors() / kWideCluster * together);
  launch(
      form.kernel,
      {.grid = dim3(static_cast<unsigned>(clusters * kWideCluster)),
       .block = dim3(kWideThreads),
       .shared_bytes = static_cast<unsigned>(form.shared_bytes),
       .start = Start::early},
      what);
}

WideLayout::WideLayout(
    WideKind kind, const WeightView& like, int64_t padded, WideRoom& room) {
  const int64_t segments = (like.cols + kSegmentColumns - 1) / kSegmentColumns;
  // The last tile is read to its end.
  constexpr int64_t kSpare = 128;
  input.cols = like.cols;
  input.order = wide_order(kind);
  input.slab_bytes = padded * kSlabRowBytes;
  slabs_at =
      room.take(2 * segments * input.slab_bytes + kSpare * kSlabRowBytes);
  if (is_affine(kind)) {
    input.group = like.group;
    input.sums_stride = padded;
    sums_at = room.take(
        (segments * (kSegmentColumns / like.group) * padded + kSpare) * 4);
  }
}

void WideLayout::place(std::byte* memory) {
  input.slabs = memory + slabs_at;
  if (input.group != 0)
    input.sums = reinterpret_cast<float*>(memory + sums_at);
}

WideJob wide_job(
    const WideInput& input,
    const WeightView& weight,
    float* y,
    int64_t stride) {
  return {
      .weight = weight,
      .x = input.slabs,
      .slab_bytes = input.slab_bytes,
      .sums = input.sums,
      .sums_stride = input.sums_stride,
      .y = y,
      .y_stride = stride};
}

bool is_taken_wide(const WeightView& like) {
  const std::optional<WideKind> kind = wide_kind(like);
  if (!kind || like.row_bytes % 16 != 0)
    return false;
  if (*kind == WideKind::e4m3_group && like.scale_stride % 4 != 0)
    return false;
  // Offsets in rows and tokens are 32 bits.
  constexpr int64_t kMost = int64_t{1} << 24;
  return like.cols < kMost && like.rows < kMost && knows_warpgroups();
}

}  // namespace hadal::cuda
