// What schemas say of an object's members: declared ones, free names, values.
#include <fmt/format.h>

#include "generation/grammar/regex_parser.h"
#include "generation/grammar/schema_compiler.h"
#include "generation/grammar/schema_sets.h"

namespace hadal {
namespace {

// Names fall into a class for each combination of patterns.
constexpr size_t kMaxNamePatterns = 3;

bool is_false(const JsonValue& schema) {
  return schema.is_boolean() && !schema.as_boolean();
}

bool is_true(const JsonValue& schema) {
  return (schema.is_boolean() && schema.as_boolean()) ||
         (schema.is_object() && schema.members().empty());
}

void add_once(const JsonValue* schema, SchemaSet& set) {
  if (!is_true(*schema) &&
      std::find(set.begin(), set.end(), schema) == set.end())
    set.push_back(schema);
}

void add_name(const std::string& name, std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), name) != names.end())
    return;
  if (names.size() >= kMaxMembers)
    throw GrammarRefusal{fmt::format(
        "an object has more than the limit of {} members; use fewer",
        kMaxMembers)};
  names.push_back(name);
}

}  // namespace

std::optional<SchemaSet> SchemaCompiler::member_schemas(
    const SchemaSet& schemas, const std::string& name) {
  SchemaSet result;
  for (const JsonValue* schema : schemas) {
    bool is_known = false;
    const auto add = [&](const JsonValue& one) {
      is_known = true;
      add_once(&one, result);
    };
    if (const JsonValue* properties =
            document_.object_keyword(*schema, "properties"))
      if (const JsonValue* own = properties->find(name))
        add(*own);
    if (const JsonValue* patterns =
            document_.object_keyword(*schema, "patternProperties"))
      for (const JsonMember& pattern : patterns->members())
        if (pattern_texts(
                *schema, "patternProperties", JsonValue::string(pattern.key))
                .accepts(name))
          add(pattern.value);
    const JsonValue* others = schema->find("additionalProperties");
    if (!is_known && others != nullptr)
      add(*others);
  }
  for (const JsonValue* one : result)
    if (is_false(*one))
      return std::nullopt;
  return result;
}

std::optional<TextAutomaton> SchemaCompiler::allowed_names(
    const SchemaSet& schemas) {
  std::optional<TextAutomaton> allowed;
  for (const JsonValue* schema : schemas) {
    const JsonValue* names = schema->find("propertyNames");
    if (names == nullptr)
      continue;
    TextAutomaton texts;
    const std::vector<SchemaSet> forms = alternatives({names});
    if (forms.size() > 1)
      document_.refuse(
          *schema,
          "propertyNames",
          "branches are not supported here; use pattern or enum");
    for (const SchemaSet& one : forms) {
      const ValueKinds kinds = kinds_of(one) & kStringValues;
      if (kinds == 0)
        continue;
      if (is_listed(one)) {
        std::vector<std::string> values;
        for (const JsonValue& value : listed_values(one, kinds))
          values.push_back(value.as_string());
        texts = one_of(values);
        continue;
      }
      StringLimits limits = string_limits(one);
      texts = limits.texts.value_or(any_text());
      if (limits.min_chars > 0 || limits.max_chars >= 0)
        texts = limit_length(texts, limits.min_chars, limits.max_chars);
    }
    allowed = allowed ? intersect(*allowed, texts) : texts;
  }
  return allowed;
}

// Names that `properties` does not declare, one class for each combination of
// the patterns that they match.
void SchemaCompiler::add_other_members(
    const SchemaSet& schemas, Members& members) {
  struct Pattern {
    const JsonValue* schema;  // that has patternProperties
    const JsonMember* member;
    TextAutomaton texts;
  };
  std::vector<Pattern> patterns;
  bool declares = false;
  bool asks = false;
  for (const JsonValue* schema : schemas) {
    declares = declares || schema->find("properties") != nullptr;
    const JsonValue* others = schema->find("additionalProperties");
    asks = asks || (others != nullptr && !is_false(*others));
    const JsonValue* named =
        document_.object_keyword(*schema, "patternProperties");
    if (named != nullptr)
      for (const JsonMember& one : named->members())
        patterns.push_back(
            {schema,
             &one,
             pattern_texts(
                 *schema, "patternProperties", JsonValue::string(one.key))});
  }
  if (patterns.size() > kMaxNamePatterns)
    document_.refuse(
        *patterns.back().schema,
        "patternProperties",
        fmt::format(
            "{} patterns are more than the limit of {}",
            patterns.size(),
            kMaxNamePatterns));
  TextAutomaton free = complement(one_of(members.names));
  if (std::optional<TextAutomaton> allowed = allowed_names(schemas))
    free = intersect(free, *allowed);
  for (size_t matched = 0; matched < size_t{1} << patterns.size(); ++matched) {
    if (matched == 0 && !asks && (declares || !patterns.empty()))
      continue;
    Members::Others others{free, {}};
    bool forbidden = false;
    for (const JsonValue* schema : schemas) {
      bool is_known = false;
      for (size_t p = 0; p < patterns.size(); ++p)
        if (patterns[p].schema == schema && ((matched >> p) & 1) != 0) {
          is_known = true;
          add_once(&patterns[p].member->value, others.schemas);
          forbidden = forbidden || is_false(patterns[p].member->value);
        }
      const JsonValue* rest = schema->find("additionalProperties");
      if (is_known || rest == nullptr)
        continue;
      add_once(rest, others.schemas);
      forbidden = forbidden || is_false(*rest);
    }
    if (forbidden)
      continue;
    for (size_t p = 0; p < patterns.size(); ++p)
      others.names = intersect(
          others.names,
          ((matched >> p) & 1) != 0 ? patterns[p].texts
                                    : complement(patterns[p].texts));
    if (!others.names.empty())
      members.others.push_back(std::move(others));
  }
}

SchemaCompiler::Members SchemaCompiler::members_of(const SchemaSet& schemas) {
  Members members;
  std::vector<std::string> needed;
  refused_at(document_, schemas, "properties", [&] {
    for (const JsonValue* schema : schemas) {
      if (const JsonValue* properties =
              document_.object_keyword(*schema, "properties"))
        for (const JsonMember& property : properties->members())
          add_name(property.key, members.names);
      if (const JsonValue* required =
              document_.array_keyword(*schema, "required"))
        for (const JsonValue& name : required->items()) {
          if (!name.is_string())
            document_.refuse(
                *schema,
                "required",
                fmt::format("expected names, found {}", name.type_name()));
          add_name(name.as_string(), needed);
        }
    }
    for (const std::string& name : needed)
      add_name(name, members.names);
  });
  members.min = most_of(schemas, "minProperties");
  members.max = least_of(schemas, "maxProperties");
  refused_at(document_, schemas, "propertyNames", [&] {
    add_other_members(schemas, members);
  });
  const std::optional<TextAutomaton> allowed = allowed_names(schemas);
  std::vector<std::string> names;
  for (const std::string& name : members.names) {
    const bool is_needed =
        std::find(needed.begin(), needed.end(), name) != needed.end();
    if (!is_needed && allowed && !allowed->accepts(name))
      continue;
    names.push_back(name);
    members.required.push_back(is_needed);
  }
  members.names = std::move(names);
  // A name may come twice where any may come, and then counts once.
  const bool counts_others = members.min > 1 && !members.others.empty();
  if (counts_others &&
      members.min <= static_cast<int64_t>(members.names.size()))
    members.others.clear();
  else if (counts_others)
    refused_at(document_, schemas, "minProperties", [&] {
      throw GrammarRefusal{fmt::format(
          "{} members with free names are not supported; declare them in "
          "properties, or ask for 1",
          members.min)};
    });
  return members;
}

}  // namespace hadal
