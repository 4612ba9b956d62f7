// How one of the experts' products is started on this card: which kernel, how
// many blocks, how much shared memory.
#include <algorithm>
#include <map>
#include <utility>

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/experts/expert_products.h"

namespace hadal::cuda {
namespace {

// What the card has.
struct Card {
  int processors = 0;
  int shared_bytes = 0;  // of a block at most
  int processor_bytes = 0;
  bool streams = false;
};

const Card& card() {
  static const Card kCard = [] {
    int device = 0;
    check(cudaGetDevice(&device), "asking for the device");
    const auto attribute = [&](cudaDeviceAttr what) {
      int value = 0;
      check(
          cudaDeviceGetAttribute(&value, what, device),
          "asking for the device's attributes");
      return value;
    };
    return Card{
        attribute(cudaDevAttrMultiProcessorCount),
        attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin),
        attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor),
        attribute(cudaDevAttrComputeCapabilityMajor) >= 9};
  }();
  return kCard;
}

// Shared memory that the kernels have besides what is asked for, and that a
// block takes for the system.
constexpr int kFixedBytes = 2048;

// Blocks of a kernel that the card holds at once.
unsigned resident_blocks(const void* kernel, int threads, int shared_bytes) {
  static std::map<std::pair<const void*, int>, unsigned> known;
  unsigned& result = known[{kernel, shared_bytes}];
  if (result != 0)
    return result;
  int each = 0;
  allow_shared_memory(kernel, card().shared_bytes - kFixedBytes);
  check(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(
          &each, kernel, threads, static_cast<size_t>(shared_bytes)),
      "asking for the blocks of a multiprocessor");
  result = static_cast<unsigned>(card().processors * std::max(each, 1));
  return result;
}

// Stages of a stream with as many blocks a multiprocessor as have three of
// them.
int stages_of(int stage_bytes, int other_bytes) {
  for (int blocks = kStreamBlocks; blocks >= 1; --blocks) {
    const int bytes =
        std::min(card().processor_bytes / blocks, card().shared_bytes) -
        kFixedBytes - other_bytes;
    const int stages = bytes / stage_bytes;
    if (stages >= 3 || blocks == 1)
      return std::min(stages, kMostStages);
  }
  return 0;
}

}  // namespace

void start_expert_products(ExpertLaunch launch) {
  const ExpertSide& routed = launch.routed;
  const ExpertSide& shared = launch.shared;
  const ExpertKernel kernel = expert_kernel(
      (routed.exists ? routed : shared).one,
      (shared.exists ? shared : routed).one);
  const int other = kPartials * 2 * 16 * launch.columns * 4 +
                    launch.most_entries * static_cast<int>(sizeof(ExpertEntry));
  launch.stage_bytes = kernel.stage_bytes(launch);
  launch.stages = stages_of(launch.stage_bytes, other);
  const bool streams = card().streams && launch.stages >= 2 &&
                       (!routed.exists || takes_expert_stream(routed.one)) &&
                       (!shared.exists || takes_expert_stream(shared.one));
  auto* const function = streams ? kernel.stream : kernel.ring;
  const int threads = streams ? kStreamThreads : kExpertThreads;
  const int bytes = other + (streams ? launch.stages * launch.stage_bytes
                                     : kernel.ring_bytes(launch));
  unsigned grid =
      resident_blocks(reinterpret_cast<const void*>(function), threads, bytes);
  if (launch.stage == ExpertStage::down_one)
    grid =
        std::min(grid, blocks(std::max(routed.one.rows, shared.one.rows), 16));
  cuda::launch(
      function,
      {.grid = grid,
       .block = static_cast<unsigned>(threads),
       .shared_bytes = static_cast<unsigned>(bytes),
       .start = Start::early},
      launch);
}

}  // namespace hadal::cuda
