#include "checkpoint/quantization.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "checkpoint/json_fields.h"
#include "checkpoint/quote.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

QuantizationMode read_mode(const JsonFields& fields) {
  if (!fields.has("mode"))
    return QuantizationMode::affine;
  const std::string mode = fields.string("mode");
  for (QuantizationMode known :
       {QuantizationMode::affine,
        QuantizationMode::mxfp4,
        QuantizationMode::mxfp8})
    if (mode == name(known))
      return known;
  throw Error(
      ErrorCode::unsupported,
      fmt::format(
          "{}: found {}, expected affine, mxfp4 or mxfp8",
          fields.where("mode"),
          in_quotes(mode)));
}

bool readable(const ModuleQuantization& module) {
  const auto among = [](int value, std::initializer_list<int> allowed) {
    return std::ranges::find(allowed, value) != allowed.end();
  };
  switch (module.mode) {
    case QuantizationMode::affine:
      return among(module.bits, {2, 3, 4, 5, 6, 8}) &&
             among(module.group, {32, 64, 128});
    case QuantizationMode::mxfp4:
      return module.bits == 4 && module.group == 32;
    case QuantizationMode::mxfp8:
      return module.bits == 8 && module.group == 32;
  }
  return false;
}

// Absent numbers take the mode's own defaults, as MLX does.
ModuleQuantization read_module(const JsonFields& fields) {
  ModuleQuantization module;
  module.mode = read_mode(fields);
  const bool affine = module.mode == QuantizationMode::affine;
  const int default_bits = module.mode == QuantizationMode::mxfp8 ? 8 : 4;
  constexpr int64_t kMost = 1 << 16;
  module.bits = static_cast<int>(
      fields.optional_integer("bits", 1, kMost).value_or(default_bits));
  module.group =
      static_cast<int>(fields.optional_integer("group_size", 1, kMost)
                           .value_or(affine ? 64 : 32));
  if (!readable(module))
    throw Error(
        ErrorCode::unsupported,
        fmt::format(
            "{}: found {} bits in groups of {} for mode {}; expected affine "
            "with 2, 3, 4, 5, 6 or 8 bits in groups of 32, 64 or 128, or mxfp4 "
            "or mxfp8 in groups of 32",
            fields.where("bits"),
            module.bits,
            module.group,
            name(module.mode)));
  return module;
}

QuantizationPlan read_plan(const Json& block, const JsonFields& fields) {
  QuantizationPlan plan;
  plan.by_default = read_module(fields);
  for (const auto& [path, value] : block.items()) {
    if (value.is_object())
      plan.modules.emplace(path, read_module(fields.object(path)));
    else if (value == false)
      plan.modules.emplace(path, std::nullopt);
  }
  return plan;
}

}  // namespace

std::string_view name(QuantizationMode mode) {
  switch (mode) {
    case QuantizationMode::affine:
      return "affine";
    case QuantizationMode::mxfp4:
      return "mxfp4";
    case QuantizationMode::mxfp8:
      return "mxfp8";
  }
  return "unknown";
}

std::optional<QuantizationPlan> parse_quantization(
    std::string_view json, std::string_view source) {
  const Json parsed = parse_json_object(json, source);
  const JsonFields fields(parsed, source, "");
  if (fields.has("quantization"))
    return read_plan(
        fields.require("quantization"), fields.object("quantization"));
  if (fields.has("quantization_config")) {
    const JsonFields block = fields.object("quantization_config");
    if (block.has("group_size") && block.has("bits"))
      return read_plan(fields.require("quantization_config"), block);
  }
  return std::nullopt;
}

std::optional<QuantizationPlan> read_quantization(
    const std::filesystem::path& directory) {
  const MappedFile file(directory / "config.json");
  const std::span<const std::byte> bytes = file.bytes();
  return parse_quantization(
      {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
      file.path().string());
}

}  // namespace hadal
