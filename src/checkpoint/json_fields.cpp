#include "checkpoint/json_fields.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "checkpoint/quote.h"
#include "hadal/error.h"

namespace hadal {

using Json = nlohmann::json;

Json parse_json_object(std::string_view text, std::string_view source) {
  if (text.size() > kConfigLimitBytes)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: {} bytes of JSON, the limit is {}",
            source,
            text.size(),
            kConfigLimitBytes));
  // The library keeps the last of two equal keys without a word.
  std::vector<std::set<std::string>> keys;
  const auto refuse_twice = [&](int depth,
                                Json::parse_event_t event,
                                Json& value) {
    if (depth > kJsonDepthLimit)
      throw Error(
          ErrorCode::corrupt,
          fmt::format(
              "{}: JSON nested deeper than {}", source, kJsonDepthLimit));
    if (event == Json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second)
        throw Error(
            ErrorCode::corrupt,
            fmt::format(
                "{}: the key {} stands there twice", source, in_quotes(key)));
    }
    return true;
  };
  Json parsed;
  try {
    parsed = Json::parse(text.begin(), text.end(), refuse_twice);
  } catch (const Json::exception& error) {
    throw Error(
        ErrorCode::corrupt,
        fmt::format("{}: no valid JSON ({})", source, error.what()));
  }
  if (!parsed.is_object())
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: expected a JSON object, found {}",
            source,
            parsed.type_name()));
  return parsed;
}

std::string shown(const Json& value) {
  constexpr size_t kMaxShownBytes = 80;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kMaxShownBytes)
    text = text.substr(0, kMaxShownBytes) + "...";
  return text;
}

JsonFields::JsonFields(
    const Json& object, std::string_view source, std::string path)
    : object_(&object), source_(source), path_(std::move(path)) {}

std::string JsonFields::where(std::string_view key) const {
  return path_.empty() ? fmt::format("{}: {}", source_, key)
                       : fmt::format("{}: {}.{}", source_, path_, key);
}

const Json* JsonFields::find(std::string_view key) const {
  const auto found = object_->find(std::string(key));
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonFields::has(std::string_view key) const {
  return find(key) != nullptr;
}

const Json& JsonFields::require(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr)
    throw Error(
        ErrorCode::corrupt,
        where(key) +
            ": the field is missing; this is not a complete "
            "DeepSeek-V4 config.json");
  return *value;
}

JsonFields JsonFields::object(std::string_view key) const {
  const Json& value = require(key);
  if (!value.is_object())
    wrong_type(key, value, "an object");
  return {
      value,
      source_,
      path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key)};
}

void JsonFields::wrong_type(
    std::string_view key, const Json& found, std::string_view expected) const {
  throw Error(
      ErrorCode::corrupt,
      fmt::format(
          "{}: found {}, expected {}", where(key), shown(found), expected));
}

int64_t JsonFields::integer(
    std::string_view key, int64_t low, int64_t high) const {
  const Json& value = require(key);
  // Some converters write whole numbers as 4.0.
  const bool whole =
      value.is_number_integer() ||
      (value.is_number_float() &&
       std::nearbyint(value.get<double>()) == value.get<double>() &&
       std::abs(value.get<double>()) < 9e15);
  const bool too_large =
      value.is_number_unsigned() &&
      value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (!whole || too_large || value.get<int64_t>() < low ||
      value.get<int64_t>() > high)
    wrong_type(
        key, value, fmt::format("a whole number from {} to {}", low, high));
  return value.get<int64_t>();
}

std::optional<int64_t> JsonFields::optional_integer(
    std::string_view key, int64_t low, int64_t high) const {
  if (!has(key))
    return std::nullopt;
  return integer(key, low, high);
}

double JsonFields::positive(std::string_view key) const {
  const Json& value = require(key);
  if (!value.is_number() || !std::isfinite(value.get<double>()) ||
      value.get<double>() <= 0)
    wrong_type(key, value, "a number greater than 0");
  return value.get<double>();
}

std::string JsonFields::string(std::string_view key) const {
  const Json& value = require(key);
  if (!value.is_string())
    wrong_type(key, value, "a string");
  return value.get<std::string>();
}

void JsonFields::expect_string(
    std::string_view key, std::string_view expected) const {
  if (has(key) && string(key) != expected)
    throw Error(
        ErrorCode::unsupported,
        fmt::format(
            "{}: found {}, this program can run \"{}\" only",
            where(key),
            in_quotes(string(key)),
            expected));
}

void JsonFields::expect_bool(std::string_view key, bool expected) const {
  const Json* value = find(key);
  if (value == nullptr)
    return;
  if (!value->is_boolean())
    wrong_type(key, *value, "true or false");
  if (value->get<bool>() != expected)
    throw Error(
        ErrorCode::unsupported,
        fmt::format(
            "{}: found {}, this program can run {} only",
            where(key),
            !expected,
            expected));
}

}  // namespace hadal
