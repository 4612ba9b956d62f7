#include "kernels/cuda/find_device.h"

#include <fmt/format.h>

#include "kernels/cuda/device.h"
#include "kernels/cuda/probe.h"

namespace hadal {

std::string cuda_version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

CudaFacts examine_cuda() {
  CudaFacts facts;
  // Asks no GPU: fails only when there is no driver, which leaves a 0.
  cudaDriverGetVersion(&facts.driver);
  cudaRuntimeGetVersion(&facts.runtime);
  facts.status = cudaGetDeviceCount(&facts.devices);
  cudaGetLastError();  // forget it: it is reported here
  if (facts.status != cudaSuccess || facts.devices == 0)
    return facts;
  cudaDeviceProp device;
  facts.status = cudaGetDeviceProperties(&device, 0);
  if (facts.status != cudaSuccess)
    return facts;
  facts.name = device.name;
  facts.major = device.major;
  facts.minor = device.minor;
  facts.kernel = cuda::find_kernel_image();
  return facts;
}

std::string missing_reason(const CudaFacts& facts) {
  if (facts.driver == 0)
    return "there is no CUDA driver (the NVIDIA driver is not installed, or "
           "not visible in this container)";
  if (facts.status == cudaErrorInsufficientDriver)
    return fmt::format(
        "the NVIDIA driver is too old: it knows CUDA {}, this build needs {}; "
        "update the driver",
        cuda_version_text(facts.driver),
        cuda_version_text(facts.runtime));
  if (facts.status == cudaErrorNoDevice ||
      (facts.status == cudaSuccess && facts.devices == 0))
    return "the CUDA driver sees no GPU (CUDA_VISIBLE_DEVICES, or a container "
           "without one)";
  if (facts.status != cudaSuccess)
    return fmt::format(
        "the CUDA driver fails: {} ({})",
        cudaGetErrorString(facts.status),
        cudaGetErrorName(facts.status));
  if (facts.major < 8)
    return fmt::format(
        "{} has compute capability {}.{}; 8.0 or later is needed",
        facts.name,
        facts.major,
        facts.minor);
  if (facts.kernel == cudaErrorNoKernelImageForDevice ||
      facts.kernel == cudaErrorInvalidDeviceFunction ||
      facts.kernel == cudaErrorUnsupportedPtxVersion)
    return fmt::format(
        "this build has no kernels for {} (compute capability {}.{}); build "
        "with CMAKE_CUDA_ARCHITECTURES for it",
        facts.name,
        facts.major,
        facts.minor);
  if (facts.kernel != cudaSuccess)
    return fmt::format(
        "{} does not start: {} ({})",
        facts.name,
        cudaGetErrorString(facts.kernel),
        cudaGetErrorName(facts.kernel));
  return "";
}

std::string missing_cuda_device() {
  return missing_reason(examine_cuda());
}

std::string cuda_device_name() {
  cudaDeviceProp device;
  cuda::check(cudaGetDeviceProperties(&device, 0), "reading the GPU's name");
  return device.name;
}

}  // namespace hadal
