// From a source model and a recipe to every tensor that will be written: names,
// formats, sizes and files, before the first byte is read.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "convert/recipe.h"
#include "convert/source_tensors.h"

namespace hadal {

// How the bytes of a module come about.
enum class Encoding : uint8_t {
  copy,       // as they lie
  fp8_to_mx,  // codes as they lie, each block's scale repeated: spec 7.4
  mx_to_fp8,  // codes as they lie, the equal scales of a block joined
  ids,        // I64 to I32 or back
  encode,     // decoded to float32 and encoded
};

// One stored tensor: the weight, scales or biases of a module.
struct PlannedPart {
  TensorDeclaration declaration;
  uint32_t shard = 0;
  uint64_t offset = 0;  // in the shard's file
};

// A tensor, or all experts or groups that lie in one.
struct PlannedModule {
  SourceTensor source;
  int64_t expert = -1;  // where a module is a single one of them
  std::string name;     // in the release: "layers.0.ffn.experts.*.w1"
  std::string path;     // in the output, without ".weight"
  TensorGroup group{};
  Encoding encoding{};
  // Of the output; for ids the format has no meaning.
  WeightFormat format{};
  ScaleFormat scale_format{};
  int bits = 0;            // affine
  int columns = 0;         // a scale: 32 for mx, 32, 64 or 128 for affine
  bool exact = true;       // the numbers are the source's
  bool rerounded = false;  // not exact, and the source was quantised already
  std::vector<PlannedPart> parts;  // weight, scales, biases

  int64_t weights() const;  // logical count; 0 for ids
  uint64_t bytes() const;   // of all parts
};

struct PlannedShard {
  std::string file;                        // "model-00001-of-00033.safetensors"
  std::vector<TensorDeclaration> tensors;  // in file order
  std::string header;
  uint64_t bytes = 0;  // with the header
};

struct ConvertPlan {
  Recipe recipe;
  std::vector<PlannedModule> modules;
  std::vector<PlannedShard> shards;
  uint64_t bytes = 0;              // of all shards
  std::vector<std::string> notes;  // whole sentences for the user
};

struct PlanOptions {
  uint64_t shard_bytes = 5'000'000'000;
  // Sources that were rounded to a format that is not the release's own may be
  // rounded a second time.
  bool requantize = false;
  // Modules of the source, by release name, that an earlier conversion rounded
  // (manifest.h); null when nobody wrote it down.
  const std::set<std::string>* rerounded_before = nullptr;
};

// Modules lie in the source's order; `model` must outlive the plan. Throws
// Error(invalid_argument): a rule that matches nothing or no matrix, a group
// that does not divide the columns, a format that the layout has no form for, a
// second rounding without `requantize`.
ConvertPlan make_plan(
    const LoadedModel& model, const Recipe& recipe, const PlanOptions& options);

}  // namespace hadal
