// References, paths and refusals.
#include "generation/grammar/schema_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "generation/grammar/decimal.h"
#include "generation/grammar/text_automaton.h"

namespace hadal {
namespace {

struct Size {
  size_t values = 0;
  size_t depth = 0;
};

void measure(const JsonValue& value, size_t depth, Size& size) {
  ++size.values;
  size.depth = std::max(size.depth, depth);
  if (size.values > kMaxSchemaValues || depth > kMaxSchemaDepth)
    return;
  if (value.is_array())
    for (const JsonValue& item : value.items())
      measure(item, depth + 1, size);
  if (value.is_object())
    for (const JsonMember& member : value.members())
      measure(member.value, depth + 1, size);
}

bool find_path(
    const JsonValue& at, const JsonValue& sought, std::string& path) {
  if (&at == &sought)
    return true;
  const size_t length = path.size();
  if (at.is_array())
    for (size_t i = 0; i < at.items().size(); ++i) {
      path += fmt::format("[{}]", i);
      if (find_path(at.items()[i], sought, path))
        return true;
      path.resize(length);
    }
  if (at.is_object())
    for (const JsonMember& member : at.members()) {
      path += "." + member.key;
      if (find_path(member.value, sought, path))
        return true;
      path.resize(length);
    }
  return false;
}

// One step of a JSON pointer inside a URI fragment.
std::string unescaped(std::string_view step) {
  std::string text;
  for (size_t i = 0; i < step.size(); ++i) {
    if (step[i] == '%' && i + 2 < step.size()) {
      const auto digit = [](char c) {
        return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
      };
      text += static_cast<char>(digit(step[i + 1]) * 16 + digit(step[i + 2]));
      i += 2;
    } else {
      text += step[i];
    }
  }
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && i + 1 < text.size())
      result += text[++i] == '1' ? '/' : '~';
    else
      result += text[i];
  }
  return result;
}

const JsonValue* child(const JsonValue& parent, const std::string& step) {
  if (!parent.is_array())
    return parent.find(step);
  if (step.empty() || step.size() > 6 ||
      step.find_first_not_of("0123456789") != std::string::npos)
    return nullptr;
  const size_t index = std::stoul(step);
  return index < parent.items().size() ? &parent.items()[index] : nullptr;
}

struct Refused {
  std::string_view keyword;
  std::string_view instead;
};

constexpr std::array<Refused, 15> kRefused = {{
    {"if", "use anyOf with complete branches"},
    {"then", "use anyOf with complete branches"},
    {"else", "use anyOf with complete branches"},
    {"not", "say what is allowed instead"},
    {"dependentRequired", "use anyOf with complete branches"},
    {"dependentSchemas", "use anyOf with complete branches"},
    {"dependencies", "use anyOf with complete branches"},
    {"contains", "use items or prefixItems"},
    {"minContains", "use items or prefixItems"},
    {"maxContains", "use items or prefixItems"},
    {"unevaluatedProperties", "use additionalProperties"},
    {"unevaluatedItems", "use items"},
    {"$dynamicRef", "use $ref"},
    {"$recursiveRef", "use $ref"},
    {"extends", "use allOf"},
}};

}  // namespace

SchemaDocument::SchemaDocument(const JsonValue& root, std::string path)
    : root_(root), path_(std::move(path)) {
  Size size;
  measure(root, 0, size);
  if (size.values > kMaxSchemaValues)
    refuse(
        root,
        "",
        fmt::format(
            "the schema has more than the limit of {} values; make it smaller",
            kMaxSchemaValues));
  if (size.depth > kMaxSchemaDepth)
    refuse(
        root,
        "",
        fmt::format(
            "the schema is nested deeper than the limit of {}; use $defs",
            kMaxSchemaDepth));
}

std::string SchemaDocument::path_of(const JsonValue& value) const {
  std::string path = path_;
  find_path(root_, value, path);
  return path;
}

void SchemaDocument::refuse(
    const JsonValue& schema,
    std::string_view keyword,
    const std::string& message) const {
  std::string path = path_of(schema);
  if (!keyword.empty())
    path += fmt::format(".{}", keyword);
  throw SchemaRefusal{
      {ErrorCode::invalid_argument,
       fmt::format("{}: {}", path, message),
       path}};
}

const JsonValue& SchemaDocument::referred(const JsonValue& schema) const {
  const JsonValue& reference = *schema.find("$ref");
  if (!reference.is_string())
    refuse(
        schema,
        "$ref",
        fmt::format("expected a string, found {}", reference.type_name()));
  std::string_view text = reference.as_string();
  if (!text.starts_with('#'))
    refuse(
        schema,
        "$ref",
        fmt::format(
            "'{}' is outside the schema; only references that start with # are "
            "followed",
            text));
  text.remove_prefix(1);
  const JsonValue* target = &root_;
  while (!text.empty() && target != nullptr) {
    if (text[0] != '/')
      refuse(
          schema,
          "$ref",
          fmt::format(
              "'{}' is an anchor; use a path such as #/$defs/name",
              reference.as_string()));
    text.remove_prefix(1);
    const size_t end = std::min(text.find('/'), text.size());
    target = child(*target, unescaped(text.substr(0, end)));
    text.remove_prefix(end);
  }
  if (target == nullptr)
    refuse(
        schema,
        "$ref",
        fmt::format("'{}' leads to nothing", reference.as_string()));
  return *target;
}

std::optional<int64_t> SchemaDocument::count_keyword(
    const JsonValue& schema, std::string_view keyword) const {
  const JsonValue* value = schema.find(keyword);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_number())
    refuse(
        schema,
        keyword,
        fmt::format("expected a number, found {}", value->type_name()));
  Decimal number;
  try {
    number = read_decimal(value->number_text());
  } catch (const GrammarRefusal& refusal) {
    refuse(schema, keyword, refusal.message);
  }
  if (number.negative || !number.is_integer())
    refuse(
        schema,
        keyword,
        fmt::format(
            "expected a whole number from 0 on, found {}",
            value->number_text()));
  if (number.is_zero())
    return 0;
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  return number.whole.size() > 10 ? kMost
                                  : std::min(kMost, std::stol(number.whole));
}

const JsonValue* SchemaDocument::array_keyword(
    const JsonValue& schema, std::string_view keyword) const {
  const JsonValue* value = schema.find(keyword);
  if (value != nullptr && !value->is_array())
    refuse(
        schema,
        keyword,
        fmt::format("expected an array, found {}", value->type_name()));
  return value;
}

const JsonValue* SchemaDocument::object_keyword(
    const JsonValue& schema, std::string_view keyword) const {
  const JsonValue* value = schema.find(keyword);
  if (value != nullptr && !value->is_object())
    refuse(
        schema,
        keyword,
        fmt::format("expected an object, found {}", value->type_name()));
  return value;
}

void SchemaDocument::check_keywords(const JsonValue& schema) const {
  for (const Refused& refused : kRefused) {
    if (schema.find(refused.keyword) == nullptr)
      continue;
    refuse(
        schema,
        refused.keyword,
        fmt::format(
            "the keyword '{}' is not supported; {}",
            refused.keyword,
            refused.instead));
  }
}

}  // namespace hadal
