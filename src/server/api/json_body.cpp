// Reading a body and its fields.
#include "server/api/json_body.h"

#include <fmt/format.h>

#include <cmath>

namespace hadal {

ApiResult<JsonValue> parse_body(
    std::string_view body, const BodyLimits& limits) {
  if (body.size() > limits.max_bytes) {
    ApiError error;
    error.status = 413;
    error.message = fmt::format(
        "the body has {} bytes; the limit is {}",
        body.size(),
        limits.max_bytes);
    return error;
  }
  JsonReadOptions options;
  options.max_depth = limits.max_depth;
  options.max_bytes = limits.max_bytes;
  Result<JsonValue> value = parse_json(body, options);
  ApiError error;
  if (!value.has_value()) {
    error.message =
        "the body is not JSON that can be read: " + value.error().message;
    return error;
  }
  if (!value->is_object()) {
    error.message = fmt::format(
        "the body must be a JSON object, found {}", value->type_name());
    return error;
  }
  return std::move(*value);
}

std::optional<int64_t> as_integer(const JsonValue& value) {
  if (!value.is_number())
    return std::nullopt;
  double number = value.as_double();
  // Doubles hold every whole number up to here.
  constexpr double kExact = 9007199254740992.0;
  if (!(std::abs(number) <= kExact) || number != std::trunc(number))
    return std::nullopt;
  return static_cast<int64_t>(number);
}

std::optional<int64_t> integer_field(
    const JsonValue& object,
    std::string_view path,
    std::string_view key,
    int64_t low,
    int64_t high) {
  const JsonValue* value = field(object, key);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_number())
    refuse_type(member_path(path, key), "a whole number", *value);
  std::optional<int64_t> number = as_integer(*value);
  if (!number || *number < low || *number > high)
    refuse(
        member_path(path, key),
        fmt::format(
            "expected a whole number from {} to {}, found {}",
            low,
            high,
            value->number_text()));
  return number;
}

std::optional<double> range_field(
    const JsonValue& object,
    std::string_view path,
    std::string_view key,
    double low,
    double high) {
  std::optional<double> number = number_field(object, path, key);
  if (number && !(*number >= low && *number <= high))
    refuse(
        member_path(path, key),
        fmt::format(
            "expected a number from {} to {}, found {}", low, high, *number));
  return number;
}

std::vector<int32_t> read_token_ids(
    const JsonValue& list, std::string_view path, int64_t vocabulary) {
  if (!list.is_array())
    refuse_type(std::string(path), "an array of token ids", list);
  std::vector<int32_t> ids;
  ids.reserve(list.items().size());
  for (size_t i = 0; i < list.items().size(); ++i) {
    const JsonValue& item = list.items()[i];
    std::optional<int64_t> id = as_integer(item);
    if (!id || *id < 0 || *id >= vocabulary)
      refuse(
          item_path(path, i),
          fmt::format(
              "expected a token id from 0 to {}, found {}",
              vocabulary - 1,
              item.is_number() ? item.number_text()
                               : std::string(item.type_name())));
    ids.push_back(static_cast<int32_t>(*id));
  }
  return ids;
}

std::vector<std::string> strings_field(
    const JsonValue& object, std::string_view path, std::string_view key) {
  const JsonValue* value = field(object, key);
  if (value == nullptr)
    return {};
  if (value->is_string())
    return {value->as_string()};
  std::string full = member_path(path, key);
  if (!value->is_array())
    refuse_type(full, "a string or an array of strings", *value);
  std::vector<std::string> texts;
  for (size_t i = 0; i < value->items().size(); ++i) {
    const JsonValue& item = value->items()[i];
    if (!item.is_string())
      refuse_type(item_path(full, i), "a string", item);
    texts.push_back(item.as_string());
  }
  return texts;
}

}  // namespace hadal
