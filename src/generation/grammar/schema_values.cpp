// Values without parts: null, booleans, numbers, strings, listed values.
#include <fmt/format.h>

#include <array>

#include "generation/grammar/regex_parser.h"
#include "generation/grammar/schema_check.h"
#include "generation/grammar/schema_compiler.h"
#include "generation/grammar/schema_sets.h"
#include "generation/grammar/string_format.h"

namespace hadal {
namespace {

ValueKinds kind_of(const JsonValue& value) {
  if (value.is_null())
    return kNullValues;
  if (value.is_boolean())
    return kBooleanValues;
  if (value.is_string())
    return kStringValues;
  if (value.is_array())
    return kArrayValues;
  if (value.is_object())
    return kObjectValues;
  return read_decimal(value.number_text()).is_integer() ? kWholeValues
                                                        : kOtherNumbers;
}

constexpr std::array<std::string_view, 4> kBounds = {
    "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"};

// A bound that some schema has.
std::string_view bound_keyword(const SchemaSet& schemas) {
  for (std::string_view keyword : kBounds)
    for (const JsonValue* schema : schemas)
      if (schema->find(keyword) != nullptr)
        return keyword;
  return "type";
}

}  // namespace

std::vector<JsonValue> SchemaCompiler::listed_values(
    const SchemaSet& schemas, ValueKinds kinds) const {
  std::vector<JsonValue> candidates;
  const JsonValue* listed = nullptr;
  for (const JsonValue* schema : schemas) {
    if (const JsonValue* constant = schema->find("const")) {
      candidates = {*constant};
      listed = nullptr;
      break;
    }
    const JsonValue* values = document_.array_keyword(*schema, "enum");
    if (values != nullptr && candidates.empty()) {
      candidates = values->items();
      listed = values;
    }
  }
  std::vector<JsonValue> fitting;
  for (const JsonValue& value : candidates) {
    const bool fits =
        (kind_of(value) & kinds) != 0 &&
        std::all_of(
            schemas.begin(), schemas.end(), [&](const JsonValue* schema) {
              return satisfies(
                  document_,
                  value,
                  *schema,
                  {.listed = listed, .with_formats = one_of_depth_ == 0});
            });
    if (fits)
      fitting.push_back(value);
  }
  return fitting;
}

std::vector<GrammarSymbol> SchemaCompiler::simple_values(
    const SchemaSet& schemas, ValueKinds kinds) {
  std::vector<GrammarSymbol> symbols;
  const auto add = [&](std::optional<Terminal> terminal) {
    if (terminal)
      symbols.push_back({false, builder_.add_terminal(*terminal)});
  };
  if (is_listed(schemas)) {
    refused_at(document_, schemas, "enum", [&] {
      add(leaves_.listed(listed_values(schemas, kinds)));
    });
    return symbols;
  }
  if ((kinds & kNullValues) != 0)
    add(leaves_.literal("null"));
  if ((kinds & kBooleanValues) != 0)
    add(leaves_.raw(one_of({"true", "false"})));
  if ((kinds & (kWholeValues | kOtherNumbers)) != 0)
    refused_at(document_, schemas, bound_keyword(schemas), [&] {
      const bool whole = (kinds & kOtherNumbers) == 0;
      add(leaves_.number(number_limits(schemas, whole)));
    });
  if ((kinds & kStringValues) != 0)
    refused_at(document_, schemas, "pattern", [&] {
      add(leaves_.string(string_limits(schemas)));
    });
  return symbols;
}

std::vector<GrammarSymbol> SchemaCompiler::marked_strings(
    const SchemaSet& schemas) {
  std::vector<GrammarSymbol> symbols;
  for (const SchemaSet& one : alternatives(schemas)) {
    const ValueKinds kinds = kinds_of(one) & kStringValues;
    if (kinds == 0)
      continue;
    refused_at(document_, one, "pattern", [&] {
      std::optional<Terminal> terminal;
      if (is_listed(one)) {
        std::vector<std::string> texts;
        for (const JsonValue& value : listed_values(one, kinds))
          texts.push_back(value.as_string());
        terminal = leaves_.listed_marked(texts);
      } else {
        terminal = leaves_.marked_string(string_limits(one));
      }
      if (terminal)
        symbols.push_back({false, builder_.add_terminal(*terminal)});
    });
  }
  return symbols;
}

// The highest of the minimums, 0 without any.
int64_t SchemaCompiler::most_of(
    const SchemaSet& schemas, std::string_view keyword) const {
  int64_t most = 0;
  for (const JsonValue* schema : schemas)
    most =
        std::max(most, document_.count_keyword(*schema, keyword).value_or(0));
  return most;
}

// The lowest of the maximums, -1 without any.
int64_t SchemaCompiler::least_of(
    const SchemaSet& schemas, std::string_view keyword) const {
  int64_t least = -1;
  for (const JsonValue* schema : schemas)
    if (std::optional<int64_t> one = document_.count_keyword(*schema, keyword))
      least = least < 0 ? *one : std::min(least, *one);
  return least;
}

TextAutomaton SchemaCompiler::pattern_texts(
    const JsonValue& schema,
    std::string_view keyword,
    const JsonValue& pattern) const {
  if (!pattern.is_string())
    document_.refuse(
        schema,
        keyword,
        fmt::format("expected a string, found {}", pattern.type_name()));
  try {
    return texts_with_match(parse_pattern(pattern.as_string()));
  } catch (const GrammarRefusal& refusal) {
    document_.refuse(schema, keyword, refusal.message);
  }
}

StringLimits SchemaCompiler::string_limits(const SchemaSet& schemas) const {
  StringLimits limits;
  limits.min_chars = most_of(schemas, "minLength");
  limits.max_chars = least_of(schemas, "maxLength");
  const auto add = [&](TextAutomaton texts) {
    limits.texts = limits.texts ? intersect(*limits.texts, texts)
                                : std::optional(std::move(texts));
  };
  for (const JsonValue* schema : schemas) {
    if (const JsonValue* pattern = schema->find("pattern"))
      add(pattern_texts(*schema, "pattern", *pattern));
    const JsonValue* format = schema->find("format");
    if (format != nullptr && format->is_string() && one_of_depth_ == 0)
      if (std::optional<TextAutomaton> texts =
              format_texts(format->as_string()))
        add(std::move(*texts));
  }
  return limits;
}

void SchemaCompiler::add_bound(
    const JsonValue& schema,
    std::string_view keyword,
    NumberLimits& limits) const {
  const JsonValue* value = schema.find(keyword);
  if (value == nullptr)
    return;
  if (!value->is_number())
    document_.refuse(
        schema,
        keyword,
        fmt::format("expected a number, found {}", print_json(*value)));
  NumberBound bound;
  bound.is_open = keyword.starts_with("exclusive");
  try {
    bound.value = read_decimal(value->number_text());
  } catch (const GrammarRefusal& refusal) {
    document_.refuse(schema, keyword, refusal.message);
  }
  const bool is_min = keyword.ends_with("inimum");
  std::optional<NumberBound>& known = is_min ? limits.min : limits.max;
  const int order = known ? compare(bound.value, known->value) : 0;
  const bool is_tighter = !known || (is_min ? order > 0 : order < 0) ||
                          (order == 0 && bound.is_open);
  if (is_tighter)
    known = bound;
}

NumberLimits SchemaCompiler::number_limits(
    const SchemaSet& schemas, bool whole) const {
  NumberLimits limits;
  limits.integers_only = whole;
  for (const JsonValue* schema : schemas) {
    for (std::string_view keyword : kBounds)
      add_bound(*schema, keyword, limits);
    const JsonValue* multiple = schema->find("multipleOf");
    if (multiple == nullptr)
      continue;
    if (!multiple->is_number() ||
        compare(read_decimal(multiple->number_text()), read_decimal("1")) != 0)
      document_.refuse(
          *schema,
          "multipleOf",
          fmt::format(
              "only multiples of 1 are supported, found {}; use minimum, "
              "maximum or enum",
              print_json(*multiple)));
    limits.integers_only = true;
  }
  return limits;
}

}  // namespace hadal
