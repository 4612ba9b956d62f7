// What `hadal bench --synthetic` is asked for: "flash:layers=8,experts=32" and
// the like.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "checkpoint/model_config.h"
#include "hadal/result.h"
#include "kernels/weight_view.h"

namespace hadal {

// Formats by role, as format and scale fields of a view (shapes are 0).
struct SyntheticRecipe {
  WeightView experts;    // routed experts
  WeightView dense;      // attention, shared experts, the indexer's wq_b
  WeightView rest;       // compressors, the indexer's weights_proj
  WeightView embedding;  // embedding and head
};

struct SyntheticSpec {
  std::string text;    // as it was given
  std::string format;  // "release", "mlx-4bit", ...
  ModelConfig config;  // layers and experts already cut
  SyntheticRecipe recipe;
};

// FAMILY[:key=value,...]. FAMILY: flash, pro, or tiny (the shapes of the
// bundled model, one layer of each kind and two more). Keys: layers (the first
// N of the model), experts (routed ones a layer), format. Without them: the
// whole model as released. The failure says what was found and what is
// expected.
Result<SyntheticSpec> parse_synthetic_spec(std::string_view text);

// For --help: "release, mlx-4bit, ...".
std::string synthetic_formats();

}  // namespace hadal
