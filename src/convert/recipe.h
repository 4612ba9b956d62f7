// Which format every matrix of a model gets: the named recipes, and own ones as
// JSON (docs/quantization.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weights/checkpoint_report.h"

namespace hadal {

enum class TargetKind : uint8_t {
  same,    // the numbers as they are, in the form that the layout has for them
  f32,     // float32, no scales: the numbers of any format, exactly
  bf16,    // bfloat16, no scales
  affine,  // scale * code + bias, `bits` a code, `group` columns a scale
  mxfp4,   // E2M1 codes, one power-of-two scale in 32
  mxfp8,   // E4M3 codes, likewise; in the release layout in 128 x 128
};

struct TargetFormat {
  TargetKind kind = TargetKind::same;
  int bits = 0;   // affine: 2, 3, 4, 5, 6 or 8
  int group = 0;  // affine: 32, 64 or 128
  bool operator==(const TargetFormat&) const = default;
};

// "same", "f32", "bf16", "affine 4 bit g64", "mxfp4", "mxfp8".
std::string text(const TargetFormat& format);
// Bits a weight with its share of scales and biases; 0 for `same`.
double bits_per_weight(const TargetFormat& format);

struct RecipeRule {
  // Matched against a matrix's name in the release without ".weight"
  // ("layers.3.attn.wq_a"; all experts of a layer are one, "....experts.*.w1")
  // and against its path in the MLX layout; '*' stands for any text.
  std::string pattern;
  TargetFormat format;
};

// For every matrix the first rule that matches; a matrix that none matches
// stays as it is. Whatever is no matrix (sinks, gate, norms, hyper-connections,
// ape, hash tables) stays as it is in every recipe.
struct Recipe {
  std::string name;
  std::string summary;                              // one line for people
  CheckpointLayout layout = CheckpointLayout::mlx;  // or release
  // Whether the next-token module is written: MLX programs do not read it.
  bool mtp = false;
  std::vector<RecipeRule> rules;
};

// All named recipes, in the order in which they are listed.
const std::vector<Recipe>& named_recipes();

// A named one, or a JSON file when `name` ends with ".json". Throws
// Error(invalid_argument) for an unknown name (the message lists them), and for
// a file what parse_recipe throws.
Recipe find_recipe(std::string_view name);

// {"recipe": NAME, "summary": TEXT, "layout": "mlx"|"release", "mtp": BOOL,
//  "rules": [{"match": PATTERN, "format": "affine", "bits": 3, "group": 64}]}
// Throws Error(invalid_argument) for anything else, with the field's place.
Recipe parse_recipe(std::string_view json, std::string_view source);

// The same as one line of JSON, equal for equal recipes.
std::string recipe_json(const Recipe& recipe);

// Whether `name` is `pattern` with every '*' replaced by some text.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace hadal
