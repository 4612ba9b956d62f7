// For tests: checkpoints with true headers and no data, of any size, as sparse
// files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/model_config.h"
#include "checkpoint/quantization.h"
#include "checkpoint/safetensors_writer.h"

namespace hadal::testing {

// How the release layouts of spec 1.5 differ.
struct ReleaseVariant {
  bool base = false;      // FP8 experts, all scales F32
  int dspark_stages = 0;  // in place of the MTP block (spec appendix B)
};

// The tensors of spec 7.1, written down independently of the registry that
// reads them.
std::vector<TensorDeclaration> release_tensors(
    const ModelConfig& config, const ReleaseVariant& variant = {});

// The tensors of mlx-community/DeepSeek-V4-Flash-4bit (spec 7.4): stacked mxfp4
// experts, affine 4 bit in groups of 64, bf16 for the rest.
std::vector<TensorDeclaration> mlx_4bit_tensors(const ModelConfig& config);

// Writes DIR/config.json, the shards and their index. Data are holes: they read
// as zeros and occupy no disk.
void write_sparse_checkpoint(
    const std::filesystem::path& directory,
    std::string_view config_json,
    const std::vector<TensorDeclaration>& tensors,
    int shards);

}  // namespace hadal::testing
