// The work of a launch of wide products in the order in which clusters take it,
// and the warp that brings tokens into shared memory.
#pragma once

#include "kernels/linear/wide_codes.cuh"
#include "kernels/linear/wide_pipeline.cuh"

namespace hadal::cuda {

// One pair of row tiles times one tile of tokens: the work of a cluster.
struct WideUnit {
  int job = 0;
  WideTile tile;
  int64_t first_row = 0;  // of this block
};

// The units of a launch, in the order in which the clusters take them.
class WideUnits {
 public:
  __device__ WideUnits(const WideLaunch& launch, int tokens_of_tile)
      : launch_(launch), tokens_of_tile_(tokens_of_tile) {
    tiles_ = launch.tiles != nullptr
                 ? *launch.tile_count
                 : (launch.tokens + tokens_of_tile - 1) / tokens_of_tile;
    for (int j = 0; j < launch.count; ++j)
      count_ += tiles_ * pairs(j);
  }
  __device__ int count() const { return count_; }

  __device__ WideUnit find(int unit) const {
    WideUnit result;
    while (unit >= tiles_ * pairs(result.job)) {
      unit -= tiles_ * pairs(result.job);
      ++result.job;
    }
    const int n = pairs(result.job);
    int first_tile = 0;
    int tiles = 0;
    if (launch_.tiles != nullptr) {
      const WideTile& any = launch_.tiles[unit / n];
      first_tile = any.first_tile;
      tiles = any.tiles;
    } else {
      first_tile = unit / (n * kTilesTogether) * kTilesTogether;
      tiles = min(kTilesTogether, tiles_ - first_tile);
    }
    const int rest = unit - first_tile * n;
    const int tile = first_tile + rest % tiles;
    if (launch_.tiles != nullptr) {
      result.tile = launch_.tiles[tile];
    } else {
      const int first = tile * tokens_of_tile_;
      result.tile.input = first;
      result.tile.output = first;
      result.tile.count = min(tokens_of_tile_, launch_.tokens - first);
    }
    result.first_row =
        (int64_t{rest / tiles} * kWideCluster + cluster_rank()) * kWideRows;
    return result;
  }

  __device__ int segments(int job) const {
    return static_cast<int>(
        (launch_.jobs[job].weight.cols + kSegmentColumns - 1) /
        kSegmentColumns);
  }

 private:
  // Pairs of row tiles.
  __device__ int pairs(int job) const {
    constexpr int kRows = kWideRows * kWideCluster;
    return static_cast<int>(
        (launch_.jobs[job].weight.rows + kRows - 1) / kRows);
  }

  const WideLaunch& launch_;
  int tokens_of_tile_;
  int tiles_ = 0;
  int count_ = 0;
};

// Counts stages, and how often a barrier of them has gone round.
template <int kStages>
struct WideStage {
  int index = 0;
  uint32_t parity = 0;
  __device__ void next() {
    if (++index == kStages) {
      index = 0;
      parity ^= 1;
    }
  }
};

template <WideKind kKind, int kTokens>
struct WideMemory {
  using Codes = WideCodes<kKind>;
  static constexpr int kStages =
      kTokens == 128 && kKind == WideKind::bf16 ? 3 : 4;
  static constexpr int kSlabBytes = kTokens * kSlabRowBytes;
  // The sums of the activations of up to four groups.
  static constexpr int kSumBytes = is_affine(kKind) ? 4 * kTokens * 4 : 0;
  static constexpr int kStageBytes = 2 * kSlabBytes;
  static constexpr int kRing = Codes::kAhead * 8 * Codes::kWarpBytes;
  static constexpr int64_t kBytes = 1024 +  // to a multiple of 1024
                                    kStages * (kStageBytes + kSumBytes) +
                                    kRing + 2 * kStages * 8;
};

// What the warp does that loads tokens.
template <WideKind kKind, int kTokens>
__device__ void load_tokens(
    const WideLaunch& launch,
    const WideUnits& units,
    std::byte* inputs,
    std::byte* sums,
    uint64_t* full,
    uint64_t* empty) {
  using Memory = WideMemory<kKind, kTokens>;
  constexpr int kHalf = kTokens / kWideCluster;
  const auto rank = static_cast<int>(cluster_rank());
  WideStage<Memory::kStages> stage;
  for (int u = blockIdx.x / kWideCluster; u < units.count();
       u += gridDim.x / kWideCluster) {
    const WideUnit unit = units.find(u);
    const WideJob& job = launch.jobs[unit.job];
    const int segments = units.segments(unit.job);
    const int groups =
        is_affine(kKind) ? static_cast<int>(kSegmentColumns) / job.weight.group
                         : 0;
    const std::byte* const x =
        job.x + int64_t{unit.tile.input + rank * kHalf} * kSlabRowBytes;
    for (int p = 0; p < min(kPartials, segments); ++p)
      for (int s = p; s < segments; s += kPartials) {
        barrier_wait(&empty[stage.index], stage.parity ^ 1);
        barrier_expect(
            &full[stage.index],
            static_cast<uint32_t>(Memory::kStageBytes + groups * kTokens * 4));
        std::byte* const to = inputs + stage.index * Memory::kStageBytes +
                              rank * kHalf * kSlabRowBytes;
        for (int slab = 0; slab < 2; ++slab)
          copy_to_both(
              to + slab * Memory::kSlabBytes,
              x + (2 * int64_t{s} + slab) * job.slab_bytes,
              kHalf * kSlabRowBytes,
              &full[stage.index]);
        for (int i = 0; i < groups; ++i)
          copy_to_both(
              sums + stage.index * Memory::kSumBytes +
                  (i * kTokens + rank * kHalf) * 4,
              job.sums + (int64_t{s} * groups + i) * job.sums_stride +
                  unit.tile.input + rank * kHalf,
              kHalf * 4,
              &full[stage.index]);
        stage.next();
      }
  }
}

}  // namespace hadal::cuda
