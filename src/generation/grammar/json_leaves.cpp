// Small automata.
#include "generation/grammar/json_leaves.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "generation/grammar/marked_text.h"
#include "generation/grammar/regex_parser.h"

namespace hadal {
namespace {

const std::string kSpace = "( |\n {0,24}|\n\t{1,8})?";

// Any text but "", for a leaf must read something.
TextAutomaton not_empty(const TextAutomaton& texts) {
  return texts.accepts_empty_text() ? limit_length(texts, 1, -1) : texts;
}

TextAutomaton within_length(const StringLimits& limits) {
  if (limits.min_chars == 0 && limits.max_chars < 0)
    return *limits.texts;
  return limit_length(*limits.texts, limits.min_chars, limits.max_chars);
}

Terminal counted(Terminal terminal, const StringLimits& limits) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  terminal.min_chars = static_cast<int32_t>(std::min(limits.min_chars, kMost));
  if (limits.max_chars >= 0)
    terminal.max_chars =
        static_cast<int32_t>(std::min(limits.max_chars, kMost));
  return terminal;
}

// Without the spaces of print_json.
void print_compact(const JsonValue& value, std::string& out) {
  const char* separator = "";
  if (value.is_array()) {
    out += '[';
    for (const JsonValue& item : value.items()) {
      out += std::exchange(separator, ",");
      print_compact(item, out);
    }
    out += ']';
  } else if (value.is_object()) {
    out += '{';
    for (const JsonMember& member : value.members()) {
      out += std::exchange(separator, ",");
      append_json_string(out, member.key);
      out += ':';
      print_compact(member.value, out);
    }
    out += '}';
  } else {
    out += value.is_number() ? value.number_text() : print_json(value);
  }
}

}  // namespace

std::optional<Terminal> JsonLeaves::raw(const TextAutomaton& texts) {
  TextAutomaton some = not_empty(texts);
  if (some.empty())
    return std::nullopt;
  return Terminal{pool_.leaf(raw_text(some))};
}

Terminal JsonLeaves::literal(std::string_view text) {
  return Terminal{pool_.leaf(raw_text(whole_matches(Regex::literal(text))))};
}

template <class Make>
Terminal JsonLeaves::named(std::string_view name, const Make& make) {
  auto known = known_.find(name);
  if (known == known_.end())
    known =
        known_.emplace(std::string(name), Terminal{pool_.leaf(make())}).first;
  return known->second;
}

Terminal JsonLeaves::pattern(std::string_view regex) {
  return named(
      regex, [&] { return raw_text(whole_matches(parse_pattern(regex))); });
}

Terminal JsonLeaves::object_start() {
  return pattern("\\{" + kSpace + "\"");
}

Terminal JsonLeaves::object_end() {
  return pattern(kSpace + "\\}");
}

Terminal JsonLeaves::empty_object() {
  return pattern("\\{ ?\\}");
}

Terminal JsonLeaves::array_start() {
  return pattern("\\[" + kSpace);
}

Terminal JsonLeaves::array_end() {
  return pattern(kSpace + "\\]");
}

Terminal JsonLeaves::empty_array() {
  return pattern("\\[ ?\\]");
}

Terminal JsonLeaves::item_separator() {
  return pattern("," + kSpace);
}

Terminal JsonLeaves::member_separator() {
  return pattern("," + kSpace + "\"");
}

Terminal JsonLeaves::colon() {
  return pattern(": ?");
}

Terminal JsonLeaves::key(const TextAutomaton& names) {
  return Terminal{pool_.leaf(json_string_rest(names))};
}

std::optional<Terminal> JsonLeaves::string(const StringLimits& limits) {
  if (limits.max_chars >= 0 && limits.max_chars < limits.min_chars)
    return std::nullopt;
  if (!limits.texts)
    return counted(
        named("string", [] { return json_string(any_text()); }), limits);
  TextAutomaton texts = within_length(limits);
  if (texts.empty())
    return std::nullopt;
  return Terminal{pool_.leaf(json_string(texts))};
}

std::optional<Terminal> JsonLeaves::marked_string(const StringLimits& limits) {
  if (limits.max_chars >= 0 && limits.max_chars < limits.min_chars)
    return std::nullopt;
  if (!limits.texts)
    return counted(
        named(
            "marked string",
            [] { return raw_text(with_end_mark(text_without_marks())); }),
        limits);
  TextAutomaton texts = intersect(within_length(limits), text_without_marks());
  if (texts.empty())
    return std::nullopt;
  return Terminal{pool_.leaf(raw_text(with_end_mark(texts)))};
}

std::optional<Terminal> JsonLeaves::number(const NumberLimits& limits) {
  return raw(number_texts(limits));
}

std::optional<Terminal> JsonLeaves::listed(
    const std::vector<JsonValue>& values) {
  std::vector<std::string> texts;
  for (const JsonValue& value : values) {
    texts.emplace_back();
    print_compact(value, texts.back());
    if (value.is_array() || value.is_object())
      texts.push_back(print_json(value));
  }
  return raw(one_of(texts));
}

std::optional<Terminal> JsonLeaves::listed_marked(
    const std::vector<std::string>& texts) {
  return marked_string({one_of(texts)});
}

}  // namespace hadal
