// Which kind each layer is: the lists of a config.json. Internal to this
// folder.
#pragma once

#include <cstdint>

#include "checkpoint/json_fields.h"
#include "checkpoint/model_config.h"

namespace hadal {

// Pro has 61; the bound keeps a damaged file from asking for memory.
inline constexpr int64_t kMaxLayers = 1024;

// Fills layer_kinds, num_nextn_predict_layers and ignored_mtp_stages from
// compress_ratios or layer_types; num_hidden_layers must be set. Throws as
// read_model_config does.
void read_layer_schedule(const JsonFields& fields, ModelConfig& config);

// From num_hash_layers, or the leading hash_moe of mlp_layer_types.
int64_t read_hash_layers(const JsonFields& fields, int64_t trunk_layers);

}  // namespace hadal
