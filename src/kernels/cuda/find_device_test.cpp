// Machines that nobody has at hand.
#include "kernels/cuda/find_device.h"

#include <gtest/gtest.h>

#include <string>

#include "kernels/cuda/lost_device.h"

namespace hadal {
namespace {

CudaFacts good_machine() {
  return {
      .driver = 13000,
      .runtime = 13000,
      .devices = 1,
      .name = "NVIDIA H100 80GB HBM3",
      .major = 9,
      .minor = 0};
}

bool says(const CudaFacts& facts, const char* text) {
  return missing_reason(facts).find(text) != std::string::npos;
}

TEST(FindDevice, AGoodMachineHasNoReason) {
  EXPECT_EQ(missing_reason(good_machine()), "");
}

TEST(FindDevice, NoDriver) {
  EXPECT_TRUE(
      says({.status = cudaErrorInsufficientDriver}, "there is no CUDA driver"));
}

TEST(FindDevice, ADriverThatIsTooOld) {
  CudaFacts facts = good_machine();
  facts.driver = 11040;
  facts.status = cudaErrorInsufficientDriver;
  EXPECT_TRUE(says(facts, "too old: it knows CUDA 11.4, this build needs 13.0"))
      << missing_reason(facts);
}

TEST(FindDevice, NoGpu) {
  CudaFacts facts = good_machine();
  facts.devices = 0;
  EXPECT_TRUE(says(facts, "sees no GPU"));
  facts.status = cudaErrorNoDevice;
  EXPECT_TRUE(says(facts, "sees no GPU"));
}

TEST(FindDevice, ADriverThatFails) {
  CudaFacts facts = good_machine();
  facts.status = cudaErrorSystemNotReady;
  EXPECT_TRUE(says(facts, "cudaErrorSystemNotReady")) << missing_reason(facts);
}

TEST(FindDevice, AnOldGpu) {
  CudaFacts facts = good_machine();
  facts.name = "Tesla V100";
  facts.major = 7;
  EXPECT_TRUE(says(facts, "Tesla V100 has compute capability 7.0"));
}

TEST(FindDevice, AGpuThatThisBuildHasNoKernelsFor) {
  CudaFacts facts = good_machine();
  for (const cudaError_t status :
       {cudaErrorNoKernelImageForDevice,
        cudaErrorInvalidDeviceFunction,
        cudaErrorUnsupportedPtxVersion}) {
    facts.kernel = status;
    EXPECT_TRUE(says(facts, "no kernels for NVIDIA H100"));
  }
}

TEST(FindDevice, AGpuThatIsFullOrBroken) {
  CudaFacts facts = good_machine();
  facts.kernel = cudaErrorMemoryAllocation;
  EXPECT_TRUE(says(facts, "does not start: out of memory"))
      << missing_reason(facts);
}

TEST(LostDevice, OnlyWhatAKernelOrTheHardwareDid) {
  for (const cudaError_t status :
       {cudaErrorIllegalAddress,
        cudaErrorLaunchFailure,
        cudaErrorECCUncorrectable})
    EXPECT_TRUE(cuda::is_lost(status)) << cudaGetErrorName(status);
  for (const cudaError_t status :
       {cudaSuccess,
        cudaErrorMemoryAllocation,
        cudaErrorInvalidValue,
        cudaErrorInvalidConfiguration})
    EXPECT_FALSE(cuda::is_lost(status)) << cudaGetErrorName(status);
}

// What this machine says is one of these cases, and asking again says the same.
TEST(FindDevice, ThisMachineAnswers) {
  EXPECT_EQ(missing_cuda_device(), missing_cuda_device());
}

}  // namespace
}  // namespace hadal
