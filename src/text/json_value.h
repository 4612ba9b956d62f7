// JSON that survives a round trip: members keep their order, numbers keep their
// digits. Prompts print tool schemas and arguments as the client wrote them, so
// a reader that sorts keys or turns 12345678901234567890 into a double would
// change what the model sees.
//
// Reading follows RFC 8259; printing follows Python's json.dumps with
// ensure_ascii off, the form on which the models were trained (spec/text.md
// 2.7).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hadal/result.h"
#include "text/text_limits.h"

namespace hadal {

struct JsonMember;

class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  // Members in input order; keys are unique.
  using Object = std::vector<JsonMember>;

  JsonValue() = default;  // null
  static JsonValue boolean(bool value);
  // `digits` is a JSON number, or NaN, Infinity, -Infinity.
  static JsonValue number(std::string digits);
  static JsonValue string(std::string text);
  static JsonValue array(Array items);
  static JsonValue object(Object members);

  bool is_null() const { return holds<std::monostate>(); }
  bool is_boolean() const { return holds<bool>(); }
  bool is_number() const { return holds<Number>(); }
  bool is_string() const { return holds<std::string>(); }
  bool is_array() const { return holds<Array>(); }
  bool is_object() const { return holds<Object>(); }
  // "null", "boolean", "number", "string", "array", "object": for messages.
  std::string_view type_name() const;

  // Each requires its type.
  bool as_boolean() const { return std::get<bool>(value_); }
  // The digits as read.
  const std::string& number_text() const {
    return std::get<Number>(value_).text;
  }
  // The nearest double; out of range gives an infinity or zero, as in Python.
  double as_double() const;
  const std::string& as_string() const { return std::get<std::string>(value_); }
  const Array& items() const { return std::get<Array>(value_); }
  Array& items() { return std::get<Array>(value_); }
  const Object& members() const { return std::get<Object>(value_); }
  Object& members() { return std::get<Object>(value_); }

  // The member of that name, or null when this is not an object or has none.
  const JsonValue* find(std::string_view key) const;
  // Replaces the member's value in place, or appends the member.
  void set(std::string_view key, JsonValue value);

  // Equal values print equally: 1.0 and 1.00 are different digits and differ.
  bool operator==(const JsonValue& other) const;

 private:
  struct Number {
    std::string text;
    bool operator==(const Number&) const = default;
  };
  template <class T>
  bool holds() const {
    return std::holds_alternative<T>(value_);
  }

  std::variant<std::monostate, bool, Number, std::string, Array, Object> value_;
};

struct JsonMember {
  std::string key;
  JsonValue value;
  bool operator==(const JsonMember&) const = default;
};

struct JsonReadOptions {
  // Accept NaN, Infinity and -Infinity, as Python's json.loads does.
  bool python_constants = false;
  size_t max_depth = kMaxJsonDepth;
  size_t max_bytes = kMaxJsonBytes;
};

// Reads one document; only white space may follow. A repeated key keeps its
// first position and its last value. An escaped lone surrogate becomes U+FFFD.
// The Failure names line and column, what was found and what was expected.
Result<JsonValue> parse_json(
    std::string_view text, const JsonReadOptions& options = {});

// Whether parse_json would succeed, without building the value.
bool is_json(std::string_view text);

// One line: separators ", " and ": ", non-ASCII as it is, doubles with the
// shortest digits that read back equal, integers with the digits as read.
std::string print_json(const JsonValue& value);

// Appends `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);
// The same without quotes: escapes of a stretch of a string.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace hadal
