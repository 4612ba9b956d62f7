// The GPU as a device: is it there, what it has free, and the weights' way to
// it.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "executor/cuda_copy_lane.h"
#include "executor/device.h"
#include "executor/weight_upload.h"
#include "hadal/error.h"
#include "kernels/cuda/backend_cuda.h"
#include "kernels/cuda/ceilings_cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/device_memory.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/launch_times.h"
#include "kernels/cuda/staged_backend.h"
#include "weights/device_tables.h"

namespace hadal {
namespace {

// More take from the link what they add (docs/notes/2026-11-24-cuda-upload.md).
constexpr int kMostThreads = 12;

int64_t free_bytes() {
  size_t free = 0;
  size_t all = 0;
  cuda::check(cudaMemGetInfo(&free, &all), "asking for the free memory");
  return static_cast<int64_t>(free);
}

// What keeps a model's copies alive.
struct DeviceWeights {
  cuda::DeviceBuffer image;
  std::shared_ptr<const void> tables;
  std::shared_ptr<const void> files;  // small tensors stay there
};

std::byte* reserve_image(cuda::DeviceBuffer& image, int64_t bytes) {
  try {
    return static_cast<std::byte*>(image.reserve(bytes));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::resource)
      throw;
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "device: the weights take {:.1f} GB, but of the GPU's memory only "
            "{:.1f} GB are free now; end what uses it, or use cpu",
            static_cast<double>(bytes) / 1e9,
            static_cast<double>(free_bytes()) / 1e9));
  }
}

}  // namespace

bool built_with_cuda() {
  return true;
}

std::string why_no_cuda() {
  return missing_cuda_device();
}

ExecutionDevice cuda_device() {
  if (const std::string reason = why_no_cuda(); !reason.empty())
    throw Error(
        ErrorCode::unsupported,
        fmt::format("device: found cuda, but {}; use cpu", reason));
  return {
      .name = "cuda: " + cuda_device_name(),
      .backend = &cuda_backend(),
      .memory = &cuda::device_memory(),
      .available_bytes = free_bytes};
}

GpuInfo examine_gpu() {
  const CudaFacts facts = examine_cuda();
  size_t free = 0;
  size_t all = 0;
  cuda::check(cudaMemGetInfo(&free, &all), "asking for the free memory");
  return {
      .name = facts.name,
      .driver = cuda_version_text(facts.driver),
      .runtime = cuda_version_text(facts.runtime),
      .capability = fmt::format("{}.{}", facts.major, facts.minor),
      .memory_bytes = static_cast<int64_t>(all),
      .free_bytes = static_cast<int64_t>(free)};
}

const Backend* cuda_backend_for_tests() {
  return &staged_cuda_backend();
}

Ceilings measure_cuda_ceilings(int threads) {
  cuda::MemoryProbe probe;
  Ceilings ceilings{.instruction_set = cuda_device_name(), .threads = threads};
  ceilings.copy_bytes_per_second = probe.copy_rate();
  ceilings.read_bytes_per_second =
      std::max(probe.read_rate(), ceilings.copy_bytes_per_second);
  ceilings.host_to_device_bytes_per_second = cuda::host_to_device_rate();
  const double matrices = cuda::matrix_rate();
  ceilings.peaks[static_cast<int>(Arithmetic::bf16_dot)] = matrices;
  ceilings.peaks[static_cast<int>(Arithmetic::fp32_fma)] = matrices / 3;
  return ceilings;
}

std::vector<GpuKernelTime> time_gpu_kernels(const std::function<void()>& run) {
  cuda::watch_launches();
  try {
    run();
  } catch (...) {
    cuda::take_launch_times();
    throw;
  }
  std::vector<GpuKernelTime> times;
  for (const cuda::LaunchTime& one : cuda::take_launch_times())
    times.push_back({one.kernel, one.launches, one.seconds});
  return times;
}

double cuda_memory_rate() {
  cuda::MemoryProbe probe(int64_t{512} << 20);
  return std::max(probe.read_rate(), probe.copy_rate());
}

int64_t cuda_weight_bytes(ModelWeights& weights) {
  return plan_upload(weights).bytes;
}

void move_weights_to_cuda(
    ModelWeights& weights, const ModelConfig& config, const CopyHooks& hooks) {
  const WeightUpload upload = plan_upload(weights);
  auto kept = std::make_shared<DeviceWeights>();
  std::byte* const image = reserve_image(kept->image, upload.bytes);
  copy_staged(
      upload.segments,
      std::min(
          kMostThreads, static_cast<int>(std::thread::hardware_concurrency())),
      [image] { return make_cuda_copy_lane(image); },
      hooks);
  ModelWeights moved = weights;
  point_to_image(moved, upload, image);
  kept->tables = make_device_tables(moved, config, cuda::device_memory());
  kept->files = moved.storage;
  moved.storage = kept;
  weights = std::move(moved);
}

}  // namespace hadal
