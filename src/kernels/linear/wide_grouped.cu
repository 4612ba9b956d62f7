// Products of a stack of matrices: every expert with its own tokens.
#include <algorithm>

#include "base/check.h"
#include "kernels/cuda/device.h"
#include "kernels/linear/wide_launch.h"
#include "kernels/linear/wide_product.h"

namespace hadal::cuda {

bool takes_grouped_product(
    const WeightView& like, ActivationFormat activation) {
  return activation == ActivationFormat::bf16 && is_taken_wide(like);
}

void grouped_products(
    const TokenGroups& groups,
    const float* x,
    int64_t x_stride,
    std::span<const GroupedProduct> products) {
  if (products.empty() || groups.entries == 0)
    return;
  HADAL_CHECK(products.size() <= kMostWideJobs);
  const WideKind kind = wide_kind(products[0].like).value();
  // Half of a group's last tile is empty on the average.
  const int64_t filled = std::min(groups.groups, groups.entries);
  const int64_t mean = groups.entries / filled;
  const int tile = mean <= 40 ? 32 : mean <= 160 || is_apart(kind) ? 64 : 128;
  const int64_t most_tiles = groups.entries / tile + filled;
  WideRoom room;
  // A group begins at a multiple of eight tokens.
  WideLayout layout(
      kind, products[0].like, (groups.entries + 7 * filled + 7) / 8 * 8, room);
  const int64_t tiles_at =
      room.take(most_tiles * static_cast<int64_t>(sizeof(WideTile)));
  const int64_t count_at = room.take(static_cast<int64_t>(sizeof(int32_t)));
  static DeviceBuffer memory;
  auto* const base = memory.reserve_array<std::byte>(room.used());
  auto* const tiles = reinterpret_cast<WideTile*>(base + tiles_at);
  auto* const tile_count = reinterpret_cast<int32_t*>(base + count_at);
  plan_wide_tiles(groups.first, groups.groups, tile, tiles, tile_count);
  layout.place(base);
  layout.input.x = x;
  layout.input.x_stride = x_stride;
  layout.input.tiles = tiles;
  layout.input.tile_count = tile_count;
  layout.input.rows = groups.rows;
  prepare_wide_tiles(layout.input, most_tiles, tile);

  WideLaunch what;
  what.tiles = tiles;
  what.tile_count = tile_count;
  int64_t units = 0;
  for (const GroupedProduct& product : products) {
    WideJob job =
        wide_job(layout.input, product.like, product.y, product.y_stride);
    job.views = product.weights;
    what.jobs[what.count++] = job;
    units += wide_row_pairs(product.like.rows) * most_tiles;
  }
  start_wide(kind, tile, what, units);
}

}  // namespace hadal::cuda
