// What the launchers of wide products share: which kernel, which tile, where
// prepared inputs lie.
#pragma once

#include <optional>

#include "kernels/linear/wide_input.h"
#include "kernels/linear/wide_kernel.h"

namespace hadal::cuda {

// None: not taken.
std::optional<WideKind> wide_kind(const WeightView& weight);

// Whether the device runs kernels that were compiled for 9.0a.
bool knows_warpgroups();

// Whether the format and shape are taken on this device.
bool is_taken_wide(const WeightView& like);

// Tokens of a tile (32, 64, 128) that make `tokens` tokens the fastest.
int best_wide_tile(WideKind kind, int64_t tokens, int64_t row_pairs);

// Pairs of row tiles: a cluster takes one.
constexpr int64_t wide_row_pairs(int64_t rows) {
  constexpr int64_t kRows = int64_t{kWideRows} * kWideCluster;
  return (rows + kRows - 1) / kRows;
}

// Starts the kernel with clusters for at most `most_units` units.
void start_wide(
    WideKind kind, int tile_tokens, const WideLaunch& what, int64_t most_units);

// Arrays in one piece of memory.
class WideRoom {
 public:
  int64_t take(int64_t bytes) {
    constexpr int64_t kAlignment = 256;
    const int64_t at = used_;
    used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return at;
  }
  int64_t used() const { return used_; }

 private:
  int64_t used_ = 0;
};

// An input of `padded` tokens and where it will lie in the room's memory.
struct WideLayout {
  WideInput input;
  int64_t slabs_at = 0;
  int64_t sums_at = 0;

  WideLayout(
      WideKind kind, const WeightView& like, int64_t padded, WideRoom& room);
  void place(std::byte* memory);
};

WideJob wide_job(
    const WideInput& input, const WeightView& weight, float* y, int64_t stride);

}  // namespace hadal::cuda
