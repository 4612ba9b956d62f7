// The `quantization` block of an MLX checkpoint's config.json (spec 7.4).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hadal {

enum class QuantizationMode : uint8_t { affine, mxfp4, mxfp8 };

std::string_view name(QuantizationMode mode);

struct ModuleQuantization {
  QuantizationMode mode = QuantizationMode::affine;
  int bits = 0;   // affine: 2, 3, 4, 5, 6 or 8; mxfp4: 4; mxfp8: 8
  int group = 0;  // columns a scale; affine: 32, 64 or 128; mx: 32
  bool operator==(const ModuleQuantization&) const = default;
};

// A module is quantised only if the file has its scales; then this plan says
// how. Paths are spelled as the file's modules or, in some repositories, with
// the release's leaf names, so the binder looks up both.
struct QuantizationPlan {
  ModuleQuantization by_default;
  // Empty value: `false` in the file, the module is not quantised.
  std::map<std::string, std::optional<ModuleQuantization>, std::less<>> modules;
};

// From the config's `quantization`, else from a `quantization_config` with
// MLX's keys; empty when there is neither (the release, transformers). Throws
// Error(corrupt) for wrong types, Error(unsupported) for a mode, a number of
// bits or a group size that no kernel reads.
std::optional<QuantizationPlan> parse_quantization(
    std::string_view json, std::string_view source);

// The same from DIR/config.json.
std::optional<QuantizationPlan> read_quantization(
    const std::filesystem::path& directory);

}  // namespace hadal
