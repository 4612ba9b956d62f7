// Reading a JSON string as it arrives. What the end of a fragment cuts, a
// character or an escape, waits for its other half.
#include "server/api/responses_custom_input.h"

#include <optional>

#include "server/api/responses_tools.h"
#include "text/json_value.h"
#include "text/utf8.h"

namespace hadal {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

// Skips blanks and `expected`. False when something else stands there; nothing
// when the text ends too early.
std::optional<bool> skip(
    std::string_view text, size_t& position, std::string_view expected) {
  size_t start = text.find_first_not_of(kBlanks, position);
  if (start == std::string_view::npos)
    return std::nullopt;
  std::string_view rest = text.substr(start);
  if (rest.size() < expected.size())
    return expected.starts_with(rest) ? std::nullopt
                                      : std::optional<bool>(false);
  if (!rest.starts_with(expected))
    return false;
  position = start + expected.size();
  return true;
}

// The bytes of the escape at the start of `text`, a pair of surrogates counting
// as one; 0 when it is unfinished.
size_t escape_size(std::string_view text) {
  constexpr size_t kUnit = 6;  // \uXXXX
  if (text.size() < 2)
    return 0;
  if (text[1] != 'u')
    return 2;
  if (text.size() < kUnit)
    return 0;
  bool high =
      (text[2] == 'd' || text[2] == 'D') &&
      std::string_view("89abAB").find(text[3]) != std::string_view::npos;
  if (!high)
    return kUnit;
  if (text.size() >= kUnit + 2 && text.substr(kUnit, 2) != "\\u")
    return kUnit;
  return text.size() < 2 * kUnit ? 0 : 2 * kUnit;
}

std::string unescaped(std::string_view escapes) {
  std::string json = "\"";
  json += escapes;
  json += '"';
  Result<JsonValue> value = parse_json(json);
  return value.has_value() ? value->as_string() : std::string(escapes);
}

}  // namespace

std::string CustomInput::push(std::string_view fragment) {
  arguments_ += fragment;
  if (state_ == State::before)
    read_before();
  return state_ == State::inside ? read_inside() : "";
}

void CustomInput::read_before() {
  std::string key;
  append_json_string(key, kCustomInput);
  size_t position = 0;
  for (std::string_view expected :
       {std::string_view("{"),
        std::string_view(key),
        std::string_view(":"),
        std::string_view("\"")}) {
    std::optional<bool> found = skip(arguments_, position, expected);
    if (!found)
      return;
    if (!*found) {
      state_ = State::held;
      return;
    }
  }
  next_ = position;
  state_ = State::inside;
}

std::string CustomInput::read_inside() {
  size_t end = next_;
  while (end < arguments_.size() && arguments_[end] != '"') {
    size_t size = arguments_[end] == '\\'
                      ? escape_size(std::string_view(arguments_).substr(end))
                      : 1;
    if (size == 0)
      break;
    end += size;
  }
  bool closed = end < arguments_.size() && arguments_[end] == '"';
  std::string_view piece =
      std::string_view(arguments_).substr(next_, end - next_);
  if (!closed)
    piece = piece.substr(0, valid_utf8_prefix(piece));
  std::string text = unescaped(piece);
  next_ += piece.size();
  if (closed)
    state_ = State::after;
  told_ = true;
  return text;
}

std::string CustomInput::finish() {
  if (told_)
    return "";
  Result<JsonValue> value = parse_json(arguments_);
  if (!value.has_value() || !value->is_object())
    return arguments_;
  const JsonValue* input = value->find(kCustomInput);
  if (input == nullptr && value->members().size() == 1)
    input = &value->members()[0].value;
  if (input != nullptr && input->is_string())
    return input->as_string();
  return value->members().empty() ? "" : arguments_;
}

}  // namespace hadal
