#include "convert/recipe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "checkpoint/json_fields.h"
#include "checkpoint/quote.h"
#include "hadal/error.h"
#include "kernels/codecs/affine.h"

namespace hadal {
namespace {

constexpr TargetFormat kSame{TargetKind::same};
constexpr TargetFormat kF32{TargetKind::f32};
constexpr TargetFormat kBf16{TargetKind::bf16};
constexpr TargetFormat kMxfp4{TargetKind::mxfp4};
constexpr TargetFormat kMxfp8{TargetKind::mxfp8};
constexpr TargetFormat affine(int bits) {
  return {TargetKind::affine, bits, 64};
}

constexpr auto kMlx = CheckpointLayout::mlx;
const char* const kExperts = "*.ffn.experts.*";

std::vector<Recipe> make_recipes() {
  return {
      {"lossless",
       "every number of the release, re-laid: FP4 as mxfp4, FP8 as mxfp8",
       kMlx,
       true,
       {{"*", kSame}}},
      {"mlx-4bit",
       "the community's plan: experts mxfp4, everything else affine 4 bit",
       kMlx,
       false,
       {{kExperts, kMxfp4}, {"*", affine(4)}}},
      {"mlx-8bit",
       "experts mxfp4, everything else affine 8 bit",
       kMlx,
       false,
       {{kExperts, kMxfp4}, {"*", affine(8)}}},
      {"true-8bit", "everything affine 8 bit", kMlx, false, {{"*", affine(8)}}},
      {"mxfp4", "everything mxfp4", kMlx, false, {{"*", kMxfp4}}},
      {"mxfp8", "everything mxfp8", kMlx, false, {{"*", kMxfp8}}},
      {"bf16", "everything bfloat16", kMlx, false, {{"*", kBf16}}},
      {"3bit",
       "experts affine 3 bit, everything else affine 6 bit",
       kMlx,
       false,
       {{kExperts, affine(3)}, {"*", affine(6)}}},
      {"2bit",
       "experts affine 2 bit, everything else affine 4 bit",
       kMlx,
       false,
       {{kExperts, affine(2)}, {"*", affine(4)}}},
  };
}

[[noreturn]] void refuse(
    const JsonFields& fields,
    std::string_view key,
    std::string_view found,
    std::string_view expected) {
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format(
          "{}: found {}, expected {}", fields.where(key), found, expected));
}

TargetFormat read_format(const JsonFields& fields) {
  const std::string kind = fields.string("format");
  for (const TargetFormat& plain : {kSame, kF32, kBf16, kMxfp4, kMxfp8})
    if (kind == text(plain)) {
      for (const char* extra : {"bits", "group"})
        if (fields.has(extra))
          refuse(
              fields, extra, "a number", "none, because the format is " + kind);
      return plain;
    }
  if (kind != "affine")
    refuse(
        fields,
        "format",
        in_quotes(kind),
        "same, f32, bf16, affine, mxfp4 or mxfp8");
  TargetFormat format{TargetKind::affine};
  format.bits = static_cast<int>(fields.integer("bits", 0, 1000));
  format.group = static_cast<int>(
      fields.optional_integer("group", 0, 1 << 20).value_or(64));
  if (!is_affine_bits(format.bits))
    refuse(fields, "bits", std::to_string(format.bits), "2, 3, 4, 5, 6 or 8");
  if (format.group != 32 && format.group != 64 && format.group != 128)
    refuse(fields, "group", std::to_string(format.group), "32, 64 or 128");
  return format;
}

void refuse_other_keys(
    const JsonFields& fields,
    const nlohmann::json& object,
    std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      refuse(
          fields,
          key,
          "this key",
          fmt::format("only {}", fmt::join(known, ", ")));
}

Recipe read_recipe(const nlohmann::json& json, const JsonFields& fields) {
  refuse_other_keys(
      fields, json, {"recipe", "summary", "layout", "mtp", "rules"});
  Recipe recipe;
  recipe.name = fields.string("recipe");
  if (fields.has("summary"))
    recipe.summary = fields.string("summary");
  if (fields.has("layout")) {
    const std::string layout = fields.string("layout");
    if (layout != "mlx" && layout != "release")
      refuse(fields, "layout", in_quotes(layout), "mlx or release");
    recipe.layout =
        layout == "mlx" ? CheckpointLayout::mlx : CheckpointLayout::release;
  }
  if (const nlohmann::json* mtp = fields.find("mtp")) {
    if (!mtp->is_boolean())
      refuse(fields, "mtp", shown(*mtp), "true or false");
    recipe.mtp = mtp->get<bool>();
  }
  const nlohmann::json& rules = fields.require("rules");
  if (!rules.is_array() || rules.empty())
    refuse(fields, "rules", shown(rules), "a list of rules");
  for (size_t i = 0; i < rules.size(); ++i) {
    const std::string path = fmt::format("rules[{}]", i);
    if (!rules[i].is_object())
      refuse(fields, path, shown(rules[i]), "an object");
    const JsonFields rule(rules[i], fields.source(), path);
    refuse_other_keys(rule, rules[i], {"match", "format", "bits", "group"});
    recipe.rules.push_back({rule.string("match"), read_format(rule)});
  }
  return recipe;
}

}  // namespace

std::string text(const TargetFormat& format) {
  switch (format.kind) {
    case TargetKind::same:
      return "same";
    case TargetKind::f32:
      return "f32";
    case TargetKind::bf16:
      return "bf16";
    case TargetKind::affine:
      return fmt::format("affine {} bit g{}", format.bits, format.group);
    case TargetKind::mxfp4:
      return "mxfp4";
    case TargetKind::mxfp8:
      return "mxfp8";
  }
  return "";
}

double bits_per_weight(const TargetFormat& format) {
  switch (format.kind) {
    case TargetKind::same:
      return 0;
    case TargetKind::f32:
      return 32;
    case TargetKind::bf16:
      return 16;
    case TargetKind::affine:
      return format.bits + 32.0 / format.group;
    case TargetKind::mxfp4:
      return 4.25;
    case TargetKind::mxfp8:
      return 8.25;
  }
  return 0;
}

const std::vector<Recipe>& named_recipes() {
  static const std::vector<Recipe> recipes = make_recipes();
  return recipes;
}

Recipe find_recipe(std::string_view name) {
  if (name.ends_with(".json")) {
    const MappedFile file{std::filesystem::path(name)};
    const std::span<const std::byte> bytes = file.bytes();
    return parse_recipe(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
  }
  std::string names;
  for (const Recipe& recipe : named_recipes()) {
    if (recipe.name == name)
      return recipe;
    names += recipe.name + ", ";
  }
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format(
          "no recipe {}; there are {}fit:SIZE, and files that end with .json",
          in_quotes(std::string(name)),
          names));
}

Recipe parse_recipe(std::string_view json, std::string_view source) {
  try {
    const nlohmann::json parsed = parse_json_object(json, source);
    return read_recipe(parsed, JsonFields(parsed, source, ""));
  } catch (const Error& error) {
    // For a recipe it is the user who wrote the JSON.
    throw Error(ErrorCode::invalid_argument, error.what());
  }
}

std::string recipe_json(const Recipe& recipe) {
  nlohmann::ordered_json json;
  json["recipe"] = recipe.name;
  if (!recipe.summary.empty())
    json["summary"] = recipe.summary;
  json["layout"] = name(recipe.layout);
  json["mtp"] = recipe.mtp;
  for (const RecipeRule& rule : recipe.rules) {
    nlohmann::ordered_json entry;
    entry["match"] = rule.pattern;
    if (rule.format.kind == TargetKind::affine) {
      entry["format"] = "affine";
      entry["bits"] = rule.format.bits;
      entry["group"] = rule.format.group;
    } else {
      entry["format"] = text(rule.format);
    }
    json["rules"].push_back(std::move(entry));
  }
  return json.dump();
}

bool matches(std::string_view pattern, std::string_view name) {
  // The usual walk with one place to come back to: linear for our names.
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;
  size_t retry = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

}  // namespace hadal
