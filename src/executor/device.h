// Where a model runs: the kernels, the memory that they see, the weights'
// place.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/memory_source.h"
#include "checkpoint/model_config.h"
#include "executor/staged_copy.h"
#include "kernels/backend.h"
#include "kernels/ceilings.h"
#include "weights/model_weights.h"

namespace hadal {

struct ExecutionDevice {
  std::string name;  // "cpu", "cuda: NVIDIA H100 80GB HBM3"
  const Backend* backend = nullptr;
  MemorySource* memory = nullptr;
  // Bytes of memory that are free right now for weights (where they have to be
  // copied), caches and scratch.
  int64_t (*available_bytes)() = nullptr;
};

ExecutionDevice cpu_device(bool reference = false);

// Whether this build has CUDA kernels at all.
bool built_with_cuda();
// Why they cannot run here, as a part of a sentence; empty when they can.
std::string why_no_cuda();
// Throws Error(unsupported) with that reason.
ExecutionDevice cuda_device();

// Bytes of scratch memory that kernels and passes may take on the GPU beyond
// weights and caches.
inline constexpr int64_t kCudaScratchBytes = int64_t{9} << 29;

// What doctor shows of the GPU.
struct GpuInfo {
  std::string name;
  std::string driver;   // the newest CUDA it knows, "13.0"
  std::string runtime;  // of this build
  std::string capability;
  int64_t memory_bytes = 0;
  int64_t free_bytes = 0;
};
// Only where why_no_cuda() is empty.
GpuInfo examine_gpu();
// The CUDA kernels for arrays of the host, which the case tables have; null in
// a build without them. Throws Error(unsupported) where there is no GPU.
const Backend* cuda_backend_for_tests();

// The GPU's roofs (kernels/cuda/ceilings_cuda.h). As float32 counts what the
// kernels make of it: three products of bfloat16. `threads` is set as given.
Ceilings measure_cuda_ceilings(int threads);
// Of all launches of one kernel on the GPU.
struct GpuKernelTime {
  std::string kernel;
  int64_t launches = 0;
  double seconds = 0;
};
// Runs `run` with its launches timed one by one, by decreasing time.
std::vector<GpuKernelTime> time_gpu_kernels(const std::function<void()>& run);

// The better rate of reading and copying, as of now.
double cuda_memory_rate();

// Bytes that move_weights_to_cuda will take. `weights` is not changed.
int64_t cuda_weight_bytes(ModelWeights& weights);

// Copies every matrix to the GPU, makes the views point there and the tables of
// experts (DeviceTables); `storage` keeps the copies alive. Throws
// Error(resource) when the GPU has not the memory, Error(cancelled) on a stop,
// after both of which `weights` is as it was, and Error(internal) when the GPU
// fails.
void move_weights_to_cuda(
    ModelWeights& weights, const ModelConfig& config, const CopyHooks& hooks);

}  // namespace hadal
