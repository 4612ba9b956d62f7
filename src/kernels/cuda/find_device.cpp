#include "kernels/cuda/find_device.h"

#include <fmt/format.h>

#include "kernels/cuda/device.h"

namespace hadal {

std::string missing_cuda_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess)
    return fmt::format(
        "there is no usable CUDA driver: {}", cudaGetErrorString(status));
  if (count == 0)
    return "the CUDA driver knows no GPU";
  cudaDeviceProp device;
  cuda::check(cudaGetDeviceProperties(&device, 0), "reading the GPU's name");
  if (device.major < 8)
    return fmt::format(
        "{} has compute capability {}.{}; 8.0 or later is needed",
        device.name,
        device.major,
        device.minor);
  return "";
}

std::string cuda_device_name() {
  cudaDeviceProp device;
  cuda::check(cudaGetDeviceProperties(&device, 0), "reading the GPU's name");
  return device.name;
}

}  // namespace hadal
