// What a plan costs, in the groups that people think in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "convert/plan.h"

namespace hadal {

struct GroupSummary {
  TensorGroup group{};
  std::string source;  // formats of the source, "fp8 128x128, bf16"
  std::string output;
  int64_t tensors = 0;  // stored ones
  int64_t weights = 0;
  uint64_t bytes = 0;
  uint64_t bytes_per_token = 0;  // read to decode one token, nothing cached
  int64_t rerounded = 0;         // modules that are rounded a second time
  int64_t modules = 0;
  double bits_per_weight() const {
    return weights == 0 ? 0
                        : 8.0 * static_cast<double>(bytes) /
                              static_cast<double>(weights);
  }
};

struct PlanSummary {
  std::vector<GroupSummary> groups;  // those that occur
  GroupSummary total;                // of all; its texts are empty
};

// `bytes_per_token` leaves the next-token module out.
PlanSummary summarise(const ModelConfig& config, const ConvertPlan& plan);

}  // namespace hadal
