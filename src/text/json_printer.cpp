// The JSON printer: the bytes of Python's json.dumps(value,
// ensure_ascii=False).
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "text/json_value.h"

namespace hadal {
namespace {

// Python's repr of a double: the shortest digits that read back equal, in
// exponent form when the decimal exponent is below -4 or at least 16.
void append_double(std::string& out, double value) {
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  char buffer[64];
  char* end = buffer + sizeof buffer;
  auto scientific =
      std::to_chars(buffer, end, value, std::chars_format::scientific);
  std::string_view text(buffer, scientific.ptr - buffer);
  size_t exponent_at = text.find('e') + 1;
  int exponent = 0;
  const char* digits = text.data() + exponent_at + 1;
  std::from_chars(digits, text.data() + text.size(), exponent);
  if (text[exponent_at] == '-')
    exponent = -exponent;
  if (exponent < -4 || exponent >= 16) {
    out += text;
    return;
  }
  auto fixed = std::to_chars(buffer, end, value, std::chars_format::fixed);
  text = std::string_view(buffer, fixed.ptr - buffer);
  out += text;
  if (text.find('.') == std::string_view::npos)
    out += ".0";
}

void append_number(std::string& out, const JsonValue& value) {
  const std::string& digits = value.number_text();
  bool constant = digits == "NaN" || digits.ends_with("Infinity");
  if (constant)
    out += digits;
  else if (digits.find_first_of(".eE") != std::string::npos)
    append_double(out, value.as_double());
  else
    out += digits == "-0" ? "0" : digits;
}

void append_value(std::string& out, const JsonValue& value) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_boolean()) {
    out += value.as_boolean() ? "true" : "false";
  } else if (value.is_number()) {
    append_number(out, value);
  } else if (value.is_string()) {
    append_json_string(out, value.as_string());
  } else if (value.is_array()) {
    out += '[';
    std::string_view separator;
    for (const JsonValue& item : value.items()) {
      out += separator;
      append_value(out, item);
      separator = ", ";
    }
    out += ']';
  } else {
    out += '{';
    std::string_view separator;
    for (const JsonMember& member : value.members()) {
      out += separator;
      append_json_string(out, member.key);
      out += ": ";
      append_value(out, member.value);
      separator = ", ";
    }
    out += '}';
  }
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
          out += c;
    }
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

std::string print_json(const JsonValue& value) {
  std::string out;
  append_value(out, value);
  return out;
}

}  // namespace hadal
