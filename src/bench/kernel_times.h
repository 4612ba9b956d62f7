// How near every kernel comes to the machine's limits, in a few seconds.
#pragma once

#include <string>
#include <vector>

#include "bench/report.h"
#include "executor/device.h"

namespace hadal {

struct KernelTimes {
  Ceilings ceilings;
  std::vector<StepProfile> profiles;  // one token; a prompt
};

// Runs the first four layers of Flash (one of every kind) with a few experts
// and a part of the vocabulary: steps with 8,192 tokens cached, and a prompt of
// 128. Takes about 1 GB and, on two cores, five seconds. On a GPU a time holds
// the start and the end of a kernel's work, some ten microseconds. Throws
// Error(resource) when there is not the memory.
KernelTimes time_kernels(
    int threads, const ExecutionDevice& device = cpu_device());

// The part of a kernel's time that its bytes would take at the read bandwidth,
// or its operations at their peaks, whichever is more; 0 for a kernel that has
// neither (it works on activations in the caches).
double share_of_ceiling(const KernelUse& use, const Ceilings& ceilings);

// A line a kernel: calls, time, share of its ceiling and which ceiling that is.
std::string times_text(const StepProfile& profile, const Ceilings& ceilings);

}  // namespace hadal
