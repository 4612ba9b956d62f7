#include "bench/synthetic_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "bench/synthetic_config.h"

namespace hadal {
namespace {

constexpr WeightView kBf16 = {.format = WeightFormat::bf16};
constexpr WeightView kFp8 = {
    .format = WeightFormat::fp8_block, .scale_format = ScaleFormat::e8m0};
constexpr WeightView kMxfp4 = {
    .format = WeightFormat::mxfp4, .scale_format = ScaleFormat::e8m0};
constexpr WeightView kMxfp8 = {
    .format = WeightFormat::mxfp8, .scale_format = ScaleFormat::e8m0};

constexpr WeightView affine(uint8_t bits) {
  return {
      .format = WeightFormat::affine,
      .scale_format = ScaleFormat::bf16,
      .bits = bits,
      .group = 64};
}

constexpr SyntheticRecipe everywhere(const WeightView& format) {
  return {format, format, format, format};
}

struct NamedRecipe {
  std::string_view name;
  SyntheticRecipe recipe;
};

// The mlx ones keep the release's FP4 experts and requantise the rest, as the
// public conversions do (spec 7.4).
constexpr NamedRecipe kRecipes[] = {
    {"release", {kMxfp4, kFp8, kBf16, kBf16}},
    {"mlx-4bit", {kMxfp4, affine(4), affine(4), affine(4)}},
    {"mlx-8bit", {kMxfp4, affine(8), affine(8), affine(8)}},
    {"mxfp4", everywhere(kMxfp4)},
    {"mxfp8", everywhere(kMxfp8)},
    {"affine2", everywhere(affine(2))},
    {"affine3", everywhere(affine(3))},
    {"affine4", everywhere(affine(4))},
    {"affine5", everywhere(affine(5))},
    {"affine6", everywhere(affine(6))},
    {"affine8", everywhere(affine(8))},
    {"bf16", everywhere(kBf16)},
};

Failure failure(std::string_view spec, const std::string& problem) {
  return Failure{
      .message = fmt::format(
          "synthetic model \"{}\": {}; an example: flash:layers=8,experts=32",
          spec,
          problem)};
}

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

// Empty when the setting was taken, else what is wrong with it.
std::string apply(
    std::string_view key, std::string_view value, SyntheticSpec& spec) {
  if (key == "format") {
    for (const NamedRecipe& known : kRecipes)
      if (known.name == value) {
        spec.format = value;
        spec.recipe = known.recipe;
        return "";
      }
    return fmt::format(
        "format: found \"{}\", expected one of {}", value, synthetic_formats());
  }
  if (key != "layers" && key != "experts")
    return fmt::format(
        "found \"{}\", expected layers=N, experts=N or format=NAME", key);
  ModelConfig& config = spec.config;
  const bool layers = key == "layers";
  const int64_t least = layers ? 1 : config.num_experts_per_tok;
  const int64_t most =
      layers ? config.num_hidden_layers : config.n_routed_experts;
  const std::optional<int64_t> number = whole_number(value);
  if (!number || *number < least || *number > most)
    return fmt::format(
        "{}: found \"{}\", expected {} to {}", key, value, least, most);
  if (layers) {
    config.num_hidden_layers = *number;
    config.layer_kinds.resize(static_cast<size_t>(*number));
    config.num_hash_layers = std::min(config.num_hash_layers, *number);
  } else {
    config.n_routed_experts = *number;
  }
  return "";
}

}  // namespace

Result<SyntheticSpec> parse_synthetic_spec(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view family = text.substr(0, colon);
  std::optional<ModelConfig> config = synthetic_config(family);
  if (!config)
    return failure(
        text, fmt::format("found \"{}\", expected flash, pro or tiny", family));
  SyntheticSpec spec;
  spec.text = text;
  spec.format = kRecipes[0].name;
  spec.recipe = kRecipes[0].recipe;
  spec.config = *std::move(config);
  std::string_view rest =
      colon == std::string_view::npos ? "" : text.substr(colon + 1);
  bool more = colon != std::string_view::npos;
  std::vector<std::string_view> seen;
  while (more) {
    const size_t comma = rest.find(',');
    const std::string_view setting = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    rest = more ? rest.substr(comma + 1) : "";
    const size_t equals = setting.find('=');
    const std::string_view key = setting.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? "" : setting.substr(equals + 1);
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      return failure(text, fmt::format("\"{}\" is there twice", key));
    seen.push_back(key);
    if (const std::string problem = apply(key, value, spec); !problem.empty())
      return failure(text, problem);
  }
  return spec;
}

std::string synthetic_formats() {
  std::string names;
  for (const NamedRecipe& known : kRecipes)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
  return names;
}

}  // namespace hadal
