// A build without CUDA.
#include "executor/device.h"
#include "hadal/error.h"

namespace hadal {

bool built_with_cuda() {
  return false;
}

std::string why_no_cuda() {
  return "this build has no CUDA backend";
}

ExecutionDevice cuda_device() {
  throw Error(
      ErrorCode::unsupported,
      "device: found cuda, but " + why_no_cuda() +
          "; use cpu, or build with the preset cuda");
}

GpuInfo examine_gpu() {
  cuda_device();
  return {};
}

const Backend* cuda_backend_for_tests() {
  return nullptr;
}

Ceilings measure_cuda_ceilings(int) {
  cuda_device();
  return {};
}

std::vector<GpuKernelTime> time_gpu_kernels(const std::function<void()>&) {
  cuda_device();
  return {};
}

double cuda_memory_rate() {
  cuda_device();
  return 0;
}

int64_t cuda_weight_bytes(ModelWeights&) {
  return 0;
}

void move_weights_to_cuda(ModelWeights&, const ModelConfig&, const CopyHooks&) {
  cuda_device();
}

}  // namespace hadal
