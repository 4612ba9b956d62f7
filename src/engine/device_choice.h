// Which device a model runs on: what was asked for, what is there, and whether
// the model fits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cache/cache_layout.h"
#include "executor/device.h"
#include "hadal/model.h"
#include "weights/load_checkpoint.h"

namespace hadal {

struct DeviceChoice {
  ExecutionDevice device;
  bool cuda = false;
  // Why Device::automatic did not take the GPU that this build could use.
  std::string reason;
};

// Throws Error(unsupported) for a device that this build or machine has not,
// and Error(invalid_argument) for reference kernels on another than the CPU.
DeviceChoice choose_device(const ModelOptions& options);

// Throws WeightsDoNotFit when the GPU has not the memory for weights, scratch
// and a sequence of the asked context; for Device::automatic the choice becomes
// the CPU instead, with the reason.
void settle_memory(
    DeviceChoice& choice,
    const ModelOptions& options,
    LoadedModel& model,
    const std::filesystem::path& directory,
    const CacheLayout& layout);

// The most memory that caches may take now, weights being in their place.
int64_t cache_budget(const DeviceChoice& choice);

}  // namespace hadal
