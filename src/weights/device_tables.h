// Tables of experts in a device's memory, made once.
#pragma once

#include <memory>

#include "base/memory_source.h"
#include "checkpoint/model_config.h"
#include "weights/model_weights.h"

namespace hadal {

// Copies the views of every layer's experts and its hash table to `memory` and
// notes them in MoeWeights::device. The views point to the device already; the
// hash tables are the host's. The result owns the copies; `memory` must outlive
// it. Throws std::bad_alloc.
std::shared_ptr<const void> make_device_tables(
    ModelWeights& weights, const ModelConfig& config, MemorySource& memory);

}  // namespace hadal
