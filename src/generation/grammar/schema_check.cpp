// A plain validator.
#include "generation/grammar/schema_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "generation/grammar/decimal.h"
#include "generation/grammar/regex_parser.h"
#include "generation/grammar/string_format.h"

namespace hadal {
namespace {

// References that lead back to the value they started from end here.
constexpr int kMaxDepth = 512;
// Branches inside branches multiply; no honest schema comes near.
constexpr int64_t kMaxSteps = 2'000'000;

class Check {
 public:
  Check(const SchemaDocument& document, const CheckOptions& options)
      : document_(document), options_(options) {}

  bool satisfies(const JsonValue& value, const JsonValue& schema);

 private:
  bool is_type(const JsonValue& value, const JsonValue& name) const;
  bool type_and_values(const JsonValue& value, const JsonValue& schema) const;
  bool number(const JsonValue& value, const JsonValue& schema) const;
  bool string(const JsonValue& value, const JsonValue& schema) const;
  bool array(const JsonValue& value, const JsonValue& schema);
  bool object(const JsonValue& value, const JsonValue& schema);
  bool member(const JsonMember& member, const JsonValue& schema);
  bool combined(const JsonValue& value, const JsonValue& schema);
  bool within(
      const JsonValue& schema,
      std::string_view min,
      std::string_view max,
      size_t count) const;
  TextAutomaton pattern(const JsonValue& schema, const std::string& text) const;

  const SchemaDocument& document_;
  const CheckOptions& options_;
  int depth_ = 0;
  int64_t steps_ = 0;
};

bool is_whole(const JsonValue& value) {
  return value.is_number() && read_decimal(value.number_text()).is_integer();
}

bool Check::is_type(const JsonValue& value, const JsonValue& name) const {
  if (!name.is_string())
    return false;
  if (name.as_string() == "integer")
    return is_whole(value);
  return value.type_name() == name.as_string();
}

bool Check::type_and_values(
    const JsonValue& value, const JsonValue& schema) const {
  if (const JsonValue* type = schema.find("type")) {
    bool fits = is_type(value, *type);
    if (type->is_array())
      for (const JsonValue& one : type->items())
        fits = fits || is_type(value, one);
    if (!fits)
      return false;
  }
  const JsonValue* constant = schema.find("const");
  if (constant != nullptr && !same_json(value, *constant))
    return false;
  const JsonValue* values = document_.array_keyword(schema, "enum");
  return values == nullptr || values == options_.listed ||
         std::any_of(
             values->items().begin(),
             values->items().end(),
             [&](const JsonValue& one) { return same_json(one, value); });
}

bool Check::number(const JsonValue& value, const JsonValue& schema) const {
  const Decimal decimal = read_decimal(value.number_text());
  const auto order = [&](std::string_view keyword) -> std::optional<int> {
    const JsonValue* bound = schema.find(keyword);
    if (bound == nullptr || !bound->is_number())
      return std::nullopt;
    return compare(decimal, read_decimal(bound->number_text()));
  };
  return order("minimum").value_or(0) >= 0 &&
         order("maximum").value_or(0) <= 0 &&
         order("exclusiveMinimum").value_or(1) > 0 &&
         order("exclusiveMaximum").value_or(-1) < 0 &&
         (schema.find("multipleOf") == nullptr || decimal.is_integer());
}

bool Check::within(
    const JsonValue& schema,
    std::string_view min,
    std::string_view max,
    size_t count) const {
  const int64_t n = static_cast<int64_t>(count);
  return n >= document_.count_keyword(schema, min).value_or(0) &&
         n <= document_.count_keyword(schema, max).value_or(n);
}

TextAutomaton Check::pattern(
    const JsonValue& schema, const std::string& text) const {
  try {
    return texts_with_match(parse_pattern(text));
  } catch (const GrammarRefusal& refusal) {
    document_.refuse(schema, "pattern", refusal.message);
  }
}

bool Check::string(const JsonValue& value, const JsonValue& schema) const {
  const std::string& text = value.as_string();
  if (!within(schema, "minLength", "maxLength", characters_of(text).size()))
    return false;
  const JsonValue* regex = schema.find("pattern");
  if (regex != nullptr && regex->is_string() &&
      !pattern(schema, regex->as_string()).accepts(text))
    return false;
  const JsonValue* format = schema.find("format");
  if (format == nullptr || !format->is_string() || !options_.with_formats)
    return true;
  std::optional<TextAutomaton> texts = format_texts(format->as_string());
  return !texts || texts->accepts(text);
}

bool Check::array(const JsonValue& value, const JsonValue& schema) {
  const JsonValue::Array& items = value.items();
  if (!within(schema, "minItems", "maxItems", items.size()))
    return false;
  const JsonValue* prefix = schema.find("prefixItems");
  const JsonValue* rest = schema.find("items");
  if (rest != nullptr && rest->is_array()) {
    prefix = rest;
    rest = schema.find("additionalItems");
  }
  for (size_t i = 0; i < items.size(); ++i) {
    const bool in_prefix = prefix != nullptr && i < prefix->items().size();
    const JsonValue* at = in_prefix ? &prefix->items()[i] : rest;
    if (at != nullptr && !satisfies(items[i], *at))
      return false;
  }
  const JsonValue* unique = schema.find("uniqueItems");
  if (unique != nullptr && unique->is_boolean() && unique->as_boolean())
    for (size_t i = 0; i < items.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (same_json(items[i], items[j]))
          return false;
  return true;
}

bool Check::member(const JsonMember& member, const JsonValue& schema) {
  bool is_known = false;
  const JsonValue* properties = document_.object_keyword(schema, "properties");
  if (properties != nullptr)
    if (const JsonValue* own = properties->find(member.key)) {
      is_known = true;
      if (!satisfies(member.value, *own))
        return false;
    }
  if (const JsonValue* patterns =
          document_.object_keyword(schema, "patternProperties"))
    for (const JsonMember& one : patterns->members())
      if (pattern(schema, one.key).accepts(member.key)) {
        is_known = true;
        if (!satisfies(member.value, one.value))
          return false;
      }
  const JsonValue* names = schema.find("propertyNames");
  if (names != nullptr && !satisfies(JsonValue::string(member.key), *names))
    return false;
  const JsonValue* others = schema.find("additionalProperties");
  return is_known || others == nullptr || satisfies(member.value, *others);
}

bool Check::object(const JsonValue& value, const JsonValue& schema) {
  if (!within(schema, "minProperties", "maxProperties", value.members().size()))
    return false;
  if (const JsonValue* required = document_.array_keyword(schema, "required"))
    for (const JsonValue& name : required->items())
      if (name.is_string() && value.find(name.as_string()) == nullptr)
        return false;
  return std::all_of(
      value.members().begin(),
      value.members().end(),
      [&](const JsonMember& one) { return member(one, schema); });
}

bool Check::combined(const JsonValue& value, const JsonValue& schema) {
  if (schema.find("$ref") != nullptr &&
      !satisfies(value, document_.referred(schema)))
    return false;
  const auto matches = [&](std::string_view keyword) -> std::optional<size_t> {
    const JsonValue* branches = document_.array_keyword(schema, keyword);
    if (branches == nullptr)
      return std::nullopt;
    return static_cast<size_t>(std::count_if(
        branches->items().begin(),
        branches->items().end(),
        [&](const JsonValue& one) { return satisfies(value, one); }));
  };
  const JsonValue* all = schema.find("allOf");
  return matches("allOf").value_or(all ? all->items().size() : 0) ==
             (all ? all->items().size() : 0) &&
         matches("anyOf").value_or(1) > 0 && matches("oneOf").value_or(1) == 1;
}

bool Check::satisfies(const JsonValue& value, const JsonValue& schema) {
  if (schema.is_boolean())
    return schema.as_boolean();
  if (!schema.is_object())
    document_.refuse(schema, "", "a schema must be an object or a boolean");
  if (depth_ > kMaxDepth || ++steps_ > kMaxSteps)
    document_.refuse(
        schema, "", "a value is checked against this schema without end");
  ++depth_;
  bool fits = type_and_values(value, schema) && combined(value, schema);
  if (fits && value.is_number())
    fits = number(value, schema);
  else if (fits && value.is_string())
    fits = string(value, schema);
  else if (fits && value.is_array())
    fits = array(value, schema);
  else if (fits && value.is_object())
    fits = object(value, schema);
  --depth_;
  return fits;
}

}  // namespace

bool same_json(const JsonValue& a, const JsonValue& b) {
  if (a.is_number() && b.is_number())
    return compare(
               read_decimal(a.number_text()), read_decimal(b.number_text())) ==
           0;
  if (a.is_array() && b.is_array())
    return std::equal(
        a.items().begin(),
        a.items().end(),
        b.items().begin(),
        b.items().end(),
        same_json);
  if (!a.is_object() || !b.is_object())
    return a == b;
  return a.members().size() == b.members().size() &&
         std::all_of(
             a.members().begin(), a.members().end(), [&](const auto& member) {
               const JsonValue* other = b.find(member.key);
               return other != nullptr && same_json(member.value, *other);
             });
}

bool satisfies(
    const SchemaDocument& document,
    const JsonValue& value,
    const JsonValue& schema,
    const CheckOptions& options) {
  return Check(document, options).satisfies(value, schema);
}

}  // namespace hadal
