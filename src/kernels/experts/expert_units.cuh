// How the blocks of an experts' product share the work: which unit (a group and
// a tile of rows) comes when in which block.
#pragma once

#include "kernels/experts/expert_products.h"

namespace hadal::cuda {

struct ExpertUnit {
  bool shared;
  int expert;
  int tile;   // of eight rows (gate_up) or sixteen
  int first;  // of its pairs in the order; of the shared expert: its token
  int count;  // columns
};

// The units of a block in their order: shared ones first, whose weights are
// known before the router is done.
class ExpertUnits {
 public:
  // Units of the shared expert only, until find_routed().
  __device__ explicit ExpertUnits(const ExpertLaunch& launch)
      : launch_(launch), one_(launch.stage == ExpertStage::down_one) {
    const int64_t tile_rows = launch.stage == ExpertStage::gate_up ? 8 : 16;
    const auto tiles = [&](const ExpertSide& side) {
      return side.exists
                 ? static_cast<int>((side.one.rows + tile_rows - 1) / tile_rows)
                 : 0;
    };
    shared_tiles_ = tiles(launch.shared);
    routed_tiles_ = tiles(launch.routed);
    if (one_) {
      matrices_ = (launch.routed.exists ? launch.per_token : 0) +
                  (launch.shared.exists ? 1 : 0);
      const int rows = max(shared_tiles_, routed_tiles_);
      begin_ = share(rows, blockIdx.x) * matrices_;
      shared_units_ = 0;
      routed_units_ = share(rows, blockIdx.x + 1) * matrices_ - begin_;
      return;
    }
    const int chunks = (launch.tokens + launch.columns - 1) / launch.columns;
    const int units = shared_tiles_ * chunks;
    shared_begin_ = share(units, blockIdx.x);
    shared_units_ = share(units, blockIdx.x + 1) - shared_begin_;
    routed_units_ = 0;
  }

  // `entries` in shared memory.
  __device__ void find_routed(const ExpertEntry* entries, int count) {
    entries_ = entries;
    if (one_ || count == 0 || routed_tiles_ == 0)
      return;
    const ExpertEntry& last = entries[count - 1];
    const int units = (last.before + chunks_of(last)) * routed_tiles_;
    begin_ = share(units, blockIdx.x);
    routed_units_ = share(units, blockIdx.x + 1) - begin_;
    int low = 0;
    int high = count - 1;
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (entries[middle].before * routed_tiles_ <= begin_)
        low = middle;
      else
        high = middle - 1;
    }
    entry_ = low;
  }

  __device__ int count() const { return shared_units_ + routed_units_; }
  __device__ int shared_count() const { return shared_units_; }
  // How many units a tile of down_one takes, the last one finishing it.
  __device__ int matrices() const { return matrices_; }

  // Called with increasing `index`.
  __device__ ExpertUnit at(int index) {
    if (one_) {
      const int unit = begin_ + index;
      const int matrix = unit % matrices_;
      const bool shared = launch_.shared.exists && matrix == matrices_ - 1;
      return {
          shared,
          shared ? 0 : entries_[matrix].expert,
          unit / matrices_,
          shared ? 0 : entries_[matrix].first,
          1};
    }
    if (index < shared_units_) {
      const int chunks =
          (launch_.tokens + launch_.columns - 1) / launch_.columns;
      const int unit = shared_begin_ + index;
      const int first = unit % chunks * launch_.columns;
      return {
          true,
          0,
          unit / chunks,
          first,
          min(launch_.columns, launch_.tokens - first)};
    }
    const int unit = begin_ + index - shared_units_;
    while (unit >= (entries_[entry_].before + chunks_of(entries_[entry_])) *
                       routed_tiles_)
      ++entry_;
    const ExpertEntry& entry = entries_[entry_];
    const int chunks = chunks_of(entry);
    const int within = unit - entry.before * routed_tiles_;
    const int first = within % chunks * launch_.columns;
    return {
        false,
        entry.expert,
        within / chunks,
        entry.first + first,
        min(launch_.columns, entry.count - first)};
  }

 private:
  __device__ static int share(int units, unsigned block) {
    return static_cast<int>(static_cast<uint64_t>(units) * block / gridDim.x);
  }
  __device__ int chunks_of(const ExpertEntry& entry) const {
    return (entry.count + launch_.columns - 1) / launch_.columns;
  }

  const ExpertLaunch& launch_;
  bool one_;
  const ExpertEntry* entries_ = nullptr;
  int entry_ = 0;
  int shared_tiles_ = 0;
  int routed_tiles_ = 0;
  int shared_begin_ = 0;
  int shared_units_ = 0;
  int begin_ = 0;
  int routed_units_ = 0;
  int matrices_ = 0;
};

}  // namespace hadal::cuda
