// What `hadal inspect` and a loading program can say about a checkpoint: counts
// and sizes, from headers alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/dtype.h"
#include "checkpoint/model_config.h"
#include "weights/tensor_registry.h"

namespace hadal {

// Whose names the tensors have.
enum class CheckpointLayout : uint8_t { release, mlx, transformers };
std::string_view name(CheckpointLayout layout);

struct DtypeCount {
  Dtype dtype{};
  int64_t tensors = 0;
  uint64_t bytes = 0;
};

// "mxfp4", "fp8 128x128 (e8m0 scales)", "affine 4 bit g64", "bf16", "i64".
struct FormatCount {
  std::string format;
  int64_t matrices = 0;
  uint64_t bytes = 0;  // with scales and biases
};

struct GroupReport {
  TensorGroup group{};
  int64_t tensors = 0;     // stored ones: a weight and its scale are two
  int64_t parameters = 0;  // logical ones; 0 for hash tables
  uint64_t bytes = 0;
  uint64_t bytes_per_token = 0;  // read to decode one token, nothing cached
  std::vector<FormatCount> formats;
};

// One trunk layer, or one MTP stage.
struct LayerReport {
  int64_t number = 0;
  LayerKind kind{};
  bool hash_routed = false;
  int64_t tensors = 0;
  int64_t parameters = 0;
  uint64_t bytes = 0;
};

// The trunk is everything outside of `mtp.*`.
struct CheckpointReport {
  std::filesystem::path directory;
  CheckpointLayout layout = CheckpointLayout::release;
  int64_t shards = 0;
  int64_t tensors = 0;
  int64_t trunk_tensors = 0;
  int64_t mtp_tensors = 0;  // ignored ones included
  uint64_t tensor_bytes = 0;
  uint64_t trunk_bytes = 0;
  uint64_t mtp_bytes = 0;
  std::vector<DtypeCount> dtypes;  // those that occur

  // Reference-numbers.md section 1; an ignored MTP stage has none.
  int64_t trunk_parameters = 0;
  int64_t mtp_parameters = 0;
  // Used for one token: one embedding row, num_experts_per_tok experts.
  int64_t active_parameters = 0;

  // Weights read to decode one token (section 2), and for one MTP draft.
  uint64_t bytes_per_token = 0;
  uint64_t mtp_step_bytes = 0;

  std::vector<GroupReport> groups;  // of the trunk, those that occur
  std::vector<LayerReport> layers;
  std::vector<LayerReport> mtp;
  // Copies made because a tensor could not be used in place.
  uint64_t copied_bytes = 0;
  // Whole sentences for the user: what was left out, what was inferred.
  std::vector<std::string> notes;
};

}  // namespace hadal
