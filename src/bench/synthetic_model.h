// Weights of the true shapes in huge-page memory, typed like a loaded
// checkpoint, so that the usual executor runs them.
#pragma once

#include <cstdint>

#include "base/thread_team.h"
#include "bench/synthetic_spec.h"
#include "executor/device.h"
#include "weights/model_weights.h"

namespace hadal {

struct SyntheticModel {
  ModelConfig config;
  ModelWeights weights;  // keeps its memory
  uint64_t bytes = 0;
};

// Random weights that keep activations finite and of ordinary size; the same
// spec gives the same bytes. The embedding shares the head's memory: they have
// one shape and format, and a step reads one row of it. Takes about a second a
// gigabyte with two threads.
//
// On a device whose memory the host does not see, matrices of one shape and
// format are copies of each other at different addresses.
//
// Throws Error(resource) when the device has not the memory.
SyntheticModel make_synthetic_model(
    const SyntheticSpec& spec,
    ThreadTeam& team,
    const ExecutionDevice& device = cpu_device());

}  // namespace hadal
