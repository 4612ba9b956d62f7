// The JSON value: construction, lookup, comparison.
#include "text/json_value.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace hadal {
namespace {

// Decimal exponent of the leading digit of a JSON number: 12.5 -> 1, 0.05 ->
// -2. Only its sign matters to the caller, so it saturates.
long leading_exponent(std::string_view digits) {
  constexpr long kSaturated = 1'000'000'000;
  size_t mantissa_end = digits.find_first_of("eE");
  std::string_view mantissa = digits.substr(0, mantissa_end);
  long exponent = 0;
  if (mantissa_end != std::string_view::npos) {
    std::string_view text = digits.substr(mantissa_end + 1);
    bool negative = !text.empty() && text.front() == '-';
    text.remove_prefix(text.find_first_of("0123456789"));
    auto read =
        std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (read.ec != std::errc{} || exponent > kSaturated)
      exponent = kSaturated;
    exponent = negative ? -exponent : exponent;
  }
  size_t first = mantissa.find_first_of("123456789");
  size_t point = std::min(mantissa.find('.'), mantissa.size());
  if (first == std::string_view::npos)
    return -kSaturated;
  long offset = first < point ? static_cast<long>(point - first) - 1
                              : -static_cast<long>(first - point);
  return exponent + offset;
}

}  // namespace

JsonValue JsonValue::boolean(bool value) {
  JsonValue result;
  result.value_ = value;
  return result;
}

JsonValue JsonValue::number(std::string digits) {
  JsonValue result;
  result.value_ = Number{std::move(digits)};
  return result;
}

JsonValue JsonValue::string(std::string text) {
  JsonValue result;
  result.value_ = std::move(text);
  return result;
}

JsonValue JsonValue::array(Array items) {
  JsonValue result;
  result.value_ = std::move(items);
  return result;
}

JsonValue JsonValue::object(Object members) {
  JsonValue result;
  result.value_ = std::move(members);
  return result;
}

std::string_view JsonValue::type_name() const {
  constexpr std::string_view kNames[] = {
      "null", "boolean", "number", "string", "array", "object"};
  return kNames[value_.index()];
}

double JsonValue::as_double() const {
  const std::string& digits = number_text();
  double value = 0;
  auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec == std::errc::result_out_of_range) {
    bool negative = digits.front() == '-';
    double size = leading_exponent(digits) > 0
                      ? std::numeric_limits<double>::infinity()
                      : 0.0;
    return negative ? -size : size;
  }
  return value;
}

const JsonValue* JsonValue::find(std::string_view key) const {
  if (!is_object())
    return nullptr;
  for (const JsonMember& member : members())
    if (member.key == key)
      return &member.value;
  return nullptr;
}

void JsonValue::set(std::string_view key, JsonValue value) {
  for (JsonMember& member : members()) {
    if (member.key == key) {
      member.value = std::move(value);
      return;
    }
  }
  members().push_back({std::string(key), std::move(value)});
}

bool JsonValue::operator==(const JsonValue& other) const {
  return value_ == other.value_;
}

}  // namespace hadal
