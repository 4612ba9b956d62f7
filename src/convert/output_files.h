// The small files of a converted checkpoint: configuration, index, tokenizer.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "convert/plan.h"

namespace hadal {

// The source's config.json with what the plan changes: for MLX the
// `quantization` block and an equal `quantization_config`, both with an entry a
// quantised module; for the release layout its FP8 `quantization_config` when
// the plan has FP8.
std::string output_config(
    const std::string& source_config, const ConvertPlan& plan);

// model.safetensors.index.json.
std::string output_index(const ConvertPlan& plan);

// All of them by name: config.json, the index, and the source's tokenizer,
// generation settings, chat template and licence as they are.
std::map<std::string, std::string> output_files(
    const std::filesystem::path& source, const ConvertPlan& plan);

}  // namespace hadal
