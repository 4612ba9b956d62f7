#include <fmt/format.h>

#include <memory>

#include "executor/device.h"
#include "hadal/error.h"
#include "kernels/cuda/backend_cuda.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/device_memory.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/view_bytes.h"
#include "weights/matrices.h"

namespace hadal {
namespace {

constexpr int64_t kAlignment = 256;

int64_t aligned(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

int64_t total_bytes(ModelWeights& weights) {
  int64_t total = 0;
  for_each_matrix(weights, [&](const WeightView& view) {
    const cuda::ViewBytes bytes = cuda::view_bytes(view);
    total += aligned(bytes.data) + aligned(bytes.scales) +
             (view.biases != nullptr ? aligned(bytes.scales) : 0);
  });
  return total;
}

struct DeviceWeights {
  cuda::DeviceBuffer memory;
  std::shared_ptr<const void> files;  // small tensors stay there
};

}  // namespace

ExecutionDevice cuda_device() {
  if (const std::string reason = missing_cuda_device(); !reason.empty())
    throw Error(
        ErrorCode::unsupported,
        fmt::format("device: found cuda, but {}; use cpu", reason));
  return {
      .name = "cuda: " + cuda_device_name(),
      .backend = &cuda_backend(),
      .memory = &cuda::device_memory()};
}

void move_weights_to_cuda(ModelWeights& weights) {
  const int64_t total = total_bytes(weights);
  size_t free = 0;
  size_t all = 0;
  cuda::check(cudaMemGetInfo(&free, &all), "asking for the free memory");
  if (total > static_cast<int64_t>(free))
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "device: the weights take {:.1f} GB, but {:.1f} of the GPU's "
            "{:.1f} "
            "GB are free; convert the model with a recipe of fewer bits, or "
            "use "
            "cpu",
            static_cast<double>(total) / 1e9,
            static_cast<double>(free) / 1e9,
            static_cast<double>(all) / 1e9));
  auto kept = std::make_shared<DeviceWeights>();
  kept->files = weights.storage;
  auto* at = static_cast<std::byte*>(kept->memory.reserve(total));
  const auto move = [&](const std::byte*& data, int64_t bytes) {
    if (data == nullptr)
      return;
    cuda::check(
        cudaMemcpy(
            at, data, static_cast<size_t>(bytes), cudaMemcpyHostToDevice),
        "copying the weights");
    data = at;
    at += aligned(bytes);
  };
  for_each_matrix(weights, [&](WeightView& view) {
    const cuda::ViewBytes bytes = cuda::view_bytes(view);
    move(view.data, bytes.data);
    move(view.scales, bytes.scales);
    move(view.biases, bytes.scales);
  });
  weights.storage = kept;
}

}  // namespace hadal
