// Arrays: items one after the other, counted as far as a limit needs it.
#include <fmt/format.h>

#include "generation/grammar/schema_compiler.h"
#include "generation/grammar/schema_sets.h"

namespace hadal {
namespace {

// The schemas of the first items, in both spellings; null without any.
const JsonValue* prefix_of(
    const SchemaDocument& document, const JsonValue& schema) {
  const JsonValue* items = schema.find("items");
  if (items != nullptr && items->is_array())
    return items;
  return document.array_keyword(schema, "prefixItems");
}

const JsonValue* rest_of(const JsonValue& schema) {
  const JsonValue* items = schema.find("items");
  return items != nullptr && items->is_array() ? schema.find("additionalItems")
                                               : items;
}

bool is_false(const JsonValue& schema) {
  return schema.is_boolean() && !schema.as_boolean();
}

}  // namespace

std::optional<SchemaSet> SchemaCompiler::item_schemas(
    const SchemaSet& schemas, size_t index) const {
  SchemaSet result;
  for (const JsonValue* schema : schemas) {
    const JsonValue* prefix = prefix_of(document_, *schema);
    const JsonValue* item = prefix != nullptr && index < prefix->items().size()
                                ? &prefix->items()[index]
                                : rest_of(*schema);
    if (item == nullptr)
      continue;
    if (is_false(*item))
      return std::nullopt;
    if (std::find(result.begin(), result.end(), item) == result.end())
      result.push_back(item);
  }
  return result;
}

size_t SchemaCompiler::longest_prefix(const SchemaSet& schemas) const {
  size_t longest = 0;
  for (const JsonValue* schema : schemas)
    if (const JsonValue* prefix = prefix_of(document_, *schema))
      longest = std::max(longest, prefix->items().size());
  return longest;
}

void SchemaCompiler::check_unique(
    const SchemaSet& schemas, int64_t max_items) const {
  for (const JsonValue* schema : schemas) {
    const JsonValue* unique = schema->find("uniqueItems");
    if (unique != nullptr && unique->is_boolean() && unique->as_boolean() &&
        (max_items < 0 || max_items > 1))
      document_.refuse(
          *schema,
          "uniqueItems",
          "items that differ from each other are not supported; leave the "
          "keyword out, or use an object with optional members");
  }
}

void SchemaCompiler::add_array(
    const SchemaSet& schemas, int32_t start, int32_t end) {
  const int64_t min = most_of(schemas, "minItems");
  const int64_t max = least_of(schemas, "maxItems");
  check_unique(schemas, max);
  const auto terminal = [&](Terminal one) {
    return GrammarSymbol{false, builder_.add_terminal(std::move(one))};
  };
  if (min == 0)
    builder_.add_edge(start, terminal(leaves_.empty_array()), end);
  if (max == 0)
    return;
  const GrammarSymbol separator = terminal(leaves_.item_separator());
  const GrammarSymbol close = terminal(leaves_.array_end());
  // From `repeats` on one item is like the next.
  const int64_t prefix = static_cast<int64_t>(longest_prefix(schemas));
  const int64_t repeats = std::max(prefix, min);
  refused_at(document_, schemas, max < 0 ? "minItems" : "maxItems", [&] {
    int32_t before = builder_.add_node();  // an item comes next
    builder_.add_edge(start, terminal(leaves_.array_start()), before);
    for (int64_t count = 0;; ++count) {
      const std::optional<SchemaSet> item =
          item_schemas(schemas, static_cast<size_t>(std::min(count, prefix)));
      if (!item)
        return;
      const int32_t after = builder_.add_node();
      builder_.add_edge(before, values(*item), after);
      if (count + 1 >= min)
        builder_.add_edge(after, close, end);
      if (count + 1 == max)
        return;
      if (max < 0 && count >= repeats) {
        builder_.add_edge(after, separator, before);
        return;
      }
      before = builder_.add_node();
      builder_.add_edge(after, separator, before);
    }
  });
}

}  // namespace hadal
