// A build without CUDA.
#include "executor/device.h"
#include "hadal/error.h"

namespace hadal {

ExecutionDevice cuda_device() {
  throw Error(
      ErrorCode::unsupported,
      "device: found cuda, but this build has no CUDA backend; use cpu, or "
      "build with the preset cuda");
}

void move_weights_to_cuda(ModelWeights&) {
  cuda_device();
}

}  // namespace hadal
