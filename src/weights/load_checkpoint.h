// From a model directory to typed weights: the only way in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "checkpoint/model_config.h"
#include "weights/checkpoint_report.h"
#include "weights/checkpoint_storage.h"
#include "weights/model_weights.h"

namespace hadal {

// Checkpoints smaller than this have all their scales checked while they are
// loaded. Beyond it that would read 5 GB of a 160 GB file before the first
// token; verify_scales() does it on demand.
inline constexpr uint64_t kCheckScalesBelowBytes = uint64_t{1} << 30;

struct LoadedModel {
  ModelConfig config;
  ModelWeights weights;  // keeps the files mapped
  CheckpointReport report;
  // Tells checkpoints apart, for saved sequence states (fingerprint.h).
  uint64_t fingerprint = 0;

  std::shared_ptr<const CheckpointStorage> storage;  // the same as weights has
  std::vector<const StoredTensor*> scales;           // into `storage`
};

// Reads config.json and all headers of DIR, checks every tensor and makes views
// into the mapped files; the weights themselves are not read, except the hash
// tables (their expert numbers are compared with the configuration), the
// fingerprint's samples and, in small checkpoints, the scales.
//
// Throws Error: what read_model_config, read_quantization and CheckpointFiles
// throw; corrupt for a missing, unexpected or double tensor, a wrong shape or
// dtype, an expert number out of range, a scale that is NaN; unsupported for
// tensors that would have to be copied (checkpoint_storage.h).
LoadedModel load_checkpoint(const std::filesystem::path& directory);

// The same without touching a byte of the weights: `fingerprint` stays 0, hash
// tables and scales are not checked. For `hadal inspect`, which must not wait
// for a disk.
LoadedModel inspect_checkpoint(const std::filesystem::path& directory);

// Looks at every scale: an E8M0 byte of 255 or a float scale that is not finite
// is an Error(corrupt) that names the tensor and the entry. Reads 3 % of the
// file.
void verify_scales(const LoadedModel& model);

}  // namespace hadal
