#include "engine/device_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "hadal/error.h"

namespace hadal {
namespace {

double gigabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

// Throws unless weights, scratch and a sequence of the asked length (or of one
// token) fit into what is free.
void require_room(
    int64_t free,
    const ModelOptions& options,
    LoadedModel& model,
    const std::filesystem::path& directory,
    const CacheLayout& layout) {
  const int64_t weights = cuda_weight_bytes(model.weights);
  const int64_t context = std::max<int64_t>(options.context, 1);
  const int64_t caches = layout.bytes(context);
  const int64_t room = free - caches - kCudaScratchBytes;
  if (weights > room)
    throw WeightsDoNotFit(
        fmt::format(
            "device: {:.1f} GB of weights, {:.1f} GB of caches for {} tokens "
            "and {:.1f} GB of scratch do not fit into the {:.1f} GB that are "
            "free on the GPU; use a conversion of fewer bits, less --context, "
            "or cpu",
            gigabytes(weights),
            gigabytes(caches),
            context,
            gigabytes(kCudaScratchBytes),
            gigabytes(free)),
        directory,
        std::max<int64_t>(room, 0));
}

}  // namespace

DeviceChoice choose_device(const ModelOptions& options) {
  if (options.device == Device::mlx)
    throw Error(
        ErrorCode::unsupported,
        "device: found mlx, but this build has no MLX executor; use cpu");
  if (options.device == Device::cuda && options.reference)
    throw Error(
        ErrorCode::invalid_argument,
        "device: found cuda with the reference kernels, which are plain code "
        "for the cpu; use one of them");
  if (options.device == Device::cuda)
    return {.device = cuda_device(), .cuda = true};
  DeviceChoice choice{.device = cpu_device(options.reference)};
  if (options.device == Device::cpu || options.reference || !built_with_cuda())
    return choice;
  choice.reason = why_no_cuda();
  if (!choice.reason.empty())
    return choice;
  return {.device = cuda_device(), .cuda = true};
}

void settle_memory(
    DeviceChoice& choice,
    const ModelOptions& options,
    LoadedModel& model,
    const std::filesystem::path& directory,
    const CacheLayout& layout) {
  if (!choice.cuda)
    return;
  try {
    require_room(
        choice.device.available_bytes(), options, model, directory, layout);
  } catch (const Error& error) {
    if (options.device == Device::cuda)
      throw;
    choice = {.device = cpu_device(), .reason = error.what()};
  }
}

int64_t cache_budget(const DeviceChoice& choice) {
  const int64_t available = choice.device.available_bytes();
  return choice.cuda ? std::max<int64_t>(available - kCudaScratchBytes, 0)
                     : available;
}

}  // namespace hadal
