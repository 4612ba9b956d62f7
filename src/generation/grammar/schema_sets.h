// Small questions about sets of schemas.
#pragma once

#include <algorithm>
#include <string_view>

#include "generation/grammar/schema_alternatives.h"
#include "generation/grammar/text_automaton.h"

namespace hadal {

// Whether enum or const lists the values.
inline bool is_listed(const SchemaSet& schemas) {
  return std::any_of(
      schemas.begin(), schemas.end(), [](const JsonValue* schema) {
        return schema->find("enum") != nullptr ||
               schema->find("const") != nullptr;
      });
}

// Runs `work`; what it refuses is refused at the first schema that has the
// keyword.
template <class Work>
auto refused_at(
    const SchemaDocument& document,
    const SchemaSet& schemas,
    std::string_view keyword,
    const Work& work) {
  try {
    return work();
  } catch (const GrammarRefusal& refusal) {
    for (const JsonValue* schema : schemas)
      if (schema->find(keyword) != nullptr)
        document.refuse(*schema, keyword, refusal.message);
    document.refuse(
        schemas.empty() ? document.root() : *schemas[0], "", refusal.message);
  }
}

}  // namespace hadal
