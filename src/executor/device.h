// Where a model runs: the kernels, the memory that they see, the weights'
// place.
#pragma once

#include <string>

#include "base/memory_source.h"
#include "kernels/backend.h"
#include "weights/model_weights.h"

namespace hadal {

struct ExecutionDevice {
  std::string name;  // "cpu", "cuda: NVIDIA H100 80GB HBM3"
  const Backend* backend = nullptr;
  MemorySource* memory = nullptr;
};

// Throws Error(unsupported) when this build or this machine has none, saying
// why.
ExecutionDevice cuda_device();

// Copies every matrix to the device and makes the views point there; `storage`
// keeps the copies alive. Throws Error(resource) when they do not fit.
void move_weights_to_cuda(ModelWeights& weights);

}  // namespace hadal
