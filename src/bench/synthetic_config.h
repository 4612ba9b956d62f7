// The configurations of the public models, for weights made in memory.
#pragma once

#include <optional>
#include <string_view>

#include "checkpoint/model_config.h"

namespace hadal {

// "flash", "pro" (spec 1.1, without the next-token module) or "tiny"; empty for
// another name.
std::optional<ModelConfig> synthetic_config(std::string_view family);

}  // namespace hadal
