// Sets of schemas -> symbols.
#include "generation/grammar/schema_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "generation/grammar/schema_sets.h"

namespace hadal {
namespace {

// oneOf inside the branches of oneOf, while they are checked.
constexpr int kMaxOneOfDepth = 16;
// Sets of schemas in one grammar.
constexpr size_t kMaxSets = 20'000;

struct TypeName {
  std::string_view name;
  ValueKinds kinds;
};

constexpr std::array<TypeName, 7> kTypeNames = {{
    {"null", kNullValues},
    {"boolean", kBooleanValues},
    {"integer", kWholeValues},
    {"number", kWholeValues | kOtherNumbers},
    {"string", kStringValues},
    {"array", kArrayValues},
    {"object", kObjectValues},
}};

}  // namespace

SchemaCompiler::SchemaCompiler(
    const SchemaDocument& document, GrammarBuilder& builder, JsonLeaves& leaves)
    : document_(document),
      builder_(builder),
      leaves_(leaves),
      one_of_checked_(std::make_shared<std::map<const JsonValue*, bool>>()) {}

std::vector<SchemaSet> SchemaCompiler::alternatives(const SchemaSet& schemas) {
  return alternatives_of(document_, schemas, [this](const JsonValue& schema) {
    check_one_of(schema);
  });
}

ValueKinds SchemaCompiler::kinds_of(const SchemaSet& schemas) const {
  ValueKinds kinds = kAllValues;
  for (const JsonValue* schema : schemas) {
    const JsonValue* type = schema->find("type");
    if (type == nullptr)
      continue;
    const auto kinds_named = [&](const JsonValue& name) {
      for (const TypeName& known : kTypeNames)
        if (name.is_string() && name.as_string() == known.name)
          return known.kinds;
      document_.refuse(
          *schema,
          "type",
          fmt::format(
              "expected null, boolean, integer, number, string, array, object "
              "or a list of them, found {}",
              print_json(name)));
    };
    ValueKinds allowed = 0;
    if (type->is_array())
      for (const JsonValue& one : type->items())
        allowed |= kinds_named(one);
    else
      allowed = kinds_named(*type);
    kinds &= allowed;
  }
  return kinds;
}

GrammarSymbol SchemaCompiler::values(
    const SchemaSet& schemas, ValueKinds kinds) {
  const auto known = known_.find({schemas, kinds});
  if (known != known_.end())
    return known->second;
  if (known_.size() >= kMaxSets)
    document_.refuse(
        document_.root(),
        "",
        fmt::format(
            "the schema needs more than the limit of {} rules; use fewer "
            "combinations of allOf and anyOf",
            kMaxSets));
  std::vector<GrammarSymbol> simple;
  Pending pending;
  for (const SchemaSet& one : alternatives(schemas)) {
    ValueKinds here = kinds_of(one) & kinds;
    for (GrammarSymbol symbol : simple_values(one, here))
      simple.push_back(symbol);
    if (is_listed(one))
      continue;
    if ((here & kObjectValues) != 0)
      pending.objects.push_back(one);
    if ((here & kArrayValues) != 0)
      pending.arrays.push_back(one);
  }
  const bool is_leaf =
      simple.size() == 1 && pending.objects.empty() && pending.arrays.empty();
  if (is_leaf)
    return known_[{schemas, kinds}] = simple[0];
  pending.rule = builder_.add_rule();
  pending.start = builder_.add_node();
  pending.end = builder_.add_node();
  builder_.set_start(pending.rule, pending.start);
  builder_.set_final(pending.end);
  for (GrammarSymbol symbol : simple)
    builder_.add_edge(pending.start, symbol, pending.end);
  const GrammarSymbol rule{true, pending.rule};
  known_[{schemas, kinds}] = rule;
  pending_.push_back(std::move(pending));
  return rule;
}

void SchemaCompiler::finish() {
  while (!pending_.empty()) {
    const Pending next = std::move(pending_.back());
    pending_.pop_back();
    for (const SchemaSet& one : next.objects)
      add_object(one, next.start, next.end);
    for (const SchemaSet& one : next.arrays)
      add_array(one, next.start, next.end);
  }
}

bool SchemaCompiler::exclude_each_other(
    const JsonValue& a, const JsonValue& b) {
  GrammarBuilder builder;
  SchemaCompiler both(document_, builder, leaves_);
  both.one_of_checked_ = one_of_checked_;
  both.one_of_depth_ = one_of_depth_ + 1;
  const GrammarSymbol symbol = both.values({&a, &b});
  both.finish();
  return symbol.is_rule && !builder.is_productive(symbol.index);
}

void SchemaCompiler::check_one_of(const JsonValue& schema) {
  if (!one_of_checked_->emplace(&schema, true).second)
    return;
  if (one_of_depth_ >= kMaxOneOfDepth)
    document_.refuse(
        schema,
        "oneOf",
        fmt::format(
            "oneOf inside oneOf beyond the limit of {}; use anyOf",
            kMaxOneOfDepth));
  const JsonValue::Array& branches = schema.find("oneOf")->items();
  for (size_t i = 0; i < branches.size(); ++i)
    for (size_t j = i + 1; j < branches.size(); ++j)
      if (!exclude_each_other(branches[i], branches[j]))
        document_.refuse(
            schema,
            "oneOf",
            fmt::format(
                "a value may satisfy branches {} and {}; use anyOf, or tell "
                "them apart by type or by a required constant",
                i,
                j));
}

}  // namespace hadal
