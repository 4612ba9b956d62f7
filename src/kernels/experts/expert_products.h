// The products of the experts on the matrix instructions: what a kernel gets.
//
// Two products, each one launch of one kernel (expert_stream.cuh,
// expert_ring.cuh): gate with up, and down. Both multiply groups: the matrices
// of one expert with up to kMostGroupColumns of its tokens as columns, so an
// expert's weights are read once for them. The shared expert is a second side
// of the same launch. The order of an output's sum is the one of
// linear/matrix_product.h; it does not depend on the group.
#pragma once

#include <cstdint>

#include "kernels/linear/matrix_product.h"

namespace hadal::cuda {

inline constexpr int kExpertThreads = 32 * kPartials;
inline constexpr int kStreamThreads = kExpertThreads + 32;
inline constexpr int kMostGroupColumns = 8;
inline constexpr int kMostStages = 8;
inline constexpr int kStreamBlocks = 3;  // of a multiprocessor at most

// Activations as the products take them: [parts, rows, cols] bfloat16 numbers
// in the order of `order`, and the sum of every eight, [rows, cols / 8].
struct ExpertNumbers {
  uint16_t* numbers = nullptr;
  float* sums = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;  // a multiple of 8
  InputOrder order = InputOrder::plain;
  int parts = 1;  // 1: rounded to bfloat16; 3: as float32
};

// The pairs of one expert: `order[first ...]` are `count` pairs. `before` are
// the groups of the experts before it.
struct ExpertEntry {
  int32_t expert;
  int32_t first;
  int32_t count;
  int32_t before;
};

// The pairs of a call by expert, in device memory. Null: not wanted.
struct ExpertGroups {
  ExpertEntry* entries = nullptr;  // of every expert that has a pair
  int32_t* count = nullptr;        // of them
  int32_t* order = nullptr;        // [pairs] pairs, by expert
  int32_t* first = nullptr;        // [experts + 1] in `order`, of all experts
  int32_t* tokens = nullptr;       // [pairs] of order's pairs
  int32_t* places = nullptr;       // [pairs] where in order a pair stands
};

// The routed experts or the shared one in one of the two products.
struct ExpertSide {
  bool exists = false;
  const WeightView* stack = nullptr;   // gate or down; null: `one`
  const WeightView* second = nullptr;  // up
  WeightView one;                      // what the views have in common
  WeightView one_second;
  ExpertNumbers input;
};

enum class ExpertStage : uint8_t {
  gate_up,   // tiles of eight rows of gate and the same eight of up
  down,      // tiles of 16 rows, every pair's product into `scratch`
  down_one,  // one token: all of its experts for 16 rows, and their sum
};

struct ExpertLaunch {
  ExpertStage stage = ExpertStage::gate_up;
  ExpertSide routed;
  ExpertSide shared;
  int32_t tokens = 0;
  int32_t per_token = 0;
  int32_t columns = 1;  // most of a group
  int32_t most_entries = 0;
  int32_t stages = 0;  // of the stream, each of stage_bytes
  int32_t stage_bytes = 0;
  const int32_t* indices = nullptr;  // one token: [per_token]
  ExpertGroups groups;               // several tokens
  // gate_up: weight * silu(g) * u of routed pairs and of the shared expert's
  // tokens, as the second product takes it, or as float32 in `plain`.
  const float* weights = nullptr;
  float limit = 0;
  ExpertNumbers routed_output;
  ExpertNumbers shared_output;
  float* routed_plain = nullptr;
  float* shared_plain = nullptr;
  // down: [pairs + tokens, hidden]; down_one: y, added to when `adds`.
  float* scratch = nullptr;
  float* y = nullptr;
  bool adds = false;
};

// Shared memory of a column in a place of a ring: its numbers of a segment, and
// their sums. The bytes over keep the banks apart.
constexpr int expert_numbers_bytes(int parts) {
  return parts * 2 * static_cast<int>(kSegmentColumns) + 64;
}
inline constexpr int kExpertSumBytes =
    4 * static_cast<int>(kSegmentColumns) / 8;
constexpr int expert_column_bytes(int parts) {
  return expert_numbers_bytes(parts) + kExpertSumBytes;
}

// The kernels for two formats. Null when there are none: then the sides go in
// two launches, each with the kernels of its own format.
struct ExpertKernel {
  // Any shape; its ring's shared memory.
  void (*ring)(ExpertLaunch) = nullptr;
  int (*ring_bytes)(const ExpertLaunch&) = nullptr;
  // Large matrices (takes_expert_stream); a stage's shared memory.
  void (*stream)(ExpertLaunch) = nullptr;
  int (*stage_bytes)(const ExpertLaunch&) = nullptr;
};
ExpertKernel expert_kernel(const WeightView& routed, const WeightView& shared);

// Can the matrix instructions take this matrix? A matter of format and shape.
bool takes_expert_product(const WeightView& like);
// Can it go in bulk? Then rows and their scales are whole 16 bytes, and the
// columns whole segments. The bits are the same.
bool takes_expert_stream(const WeightView& like);

// Starts the kernel of `launch`, whose stages are filled in here. Both sides
// must be taken by one kernel (expert_kernel).
void start_expert_products(ExpertLaunch launch);

}  // namespace hadal::cuda
