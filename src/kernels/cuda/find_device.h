// Is there a GPU that the CUDA kernels run on?
#pragma once

#include <cuda_runtime_api.h>

#include <string>

namespace hadal {

// What CUDA says of this machine, in the order in which it is asked.
struct CudaFacts {
  int driver = 0;   // the newest CUDA it knows (12040: 12.4); 0: none
  int runtime = 0;  // that of this build
  cudaError_t status = cudaSuccess;  // of counting GPUs
  int devices = 0;
  std::string name;  // of the first GPU
  int major = 0;     // its compute capability
  int minor = 0;
  cudaError_t kernel = cudaSuccess;  // of looking for a kernel made for it
};
CudaFacts examine_cuda();
// 12040: "12.4".
std::string cuda_version_text(int version);

// Why the kernels cannot run, as a part of a sentence for the user; empty when
// they can.
std::string missing_reason(const CudaFacts& facts);
std::string missing_cuda_device();

// "NVIDIA H100 80GB HBM3"; only where there is one.
std::string cuda_device_name();

}  // namespace hadal
