// A POST's body as JSON, and typed access to its fields. Unknown fields are
// ignored, null counts as absent, a wrong type is refused with the path of the
// field (spec/text.md 4.2).
//
// The readers throw RequestError (text/request_fields.h), as those of messages
// and tools do; `reading` turns it into an ApiError at the border of a family's
// reader:
//
//   return reading<std::unique_ptr<ApiCall>>([&] { ...; return call; });
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/api_error.h"
#include "text/json_value.h"
#include "text/request_fields.h"

namespace hadal {

struct BodyLimits {
  size_t max_bytes = size_t{64} << 20;
  size_t max_depth = 128;
};

// The body, which must be an object.
ApiResult<JsonValue> parse_body(
    std::string_view body, const BodyLimits& limits = {});

template <class T, class Read>
ApiResult<T> reading(Read&& read) {
  try {
    return ApiResult<T>(read());
  } catch (const RequestError& error) {
    return api_error(error.failure);
  }
}

// A whole number (1, 1.0 and 1e3 are) from `low` to `high`.
std::optional<int64_t> integer_field(
    const JsonValue& object,
    std::string_view path,
    std::string_view key,
    int64_t low,
    int64_t high);

// The number's value when it is whole and fits.
std::optional<int64_t> as_integer(const JsonValue& value);

// A finite number from `low` to `high`.
std::optional<double> range_field(
    const JsonValue& object,
    std::string_view path,
    std::string_view key,
    double low,
    double high);

// Token ids: whole numbers from 0 to `vocabulary` - 1.
std::vector<int32_t> read_token_ids(
    const JsonValue& list, std::string_view path, int64_t vocabulary);

// Strings, one or an array of them; none when absent.
std::vector<std::string> strings_field(
    const JsonValue& object, std::string_view path, std::string_view key);

}  // namespace hadal
