// Schemas that hold at the same time, without $ref, allOf, anyOf and oneOf: a
// value satisfies a schema when it satisfies all schemas of one of these sets,
// each read without those four keywords.
#pragma once

#include <functional>
#include <vector>

#include "generation/grammar/schema_document.h"

namespace hadal {

// In the order in which they are met, each once. The schema `true` is left out,
// so that the empty set is satisfied by any value.
using SchemaSet = std::vector<const JsonValue*>;

// Beyond it a schema is refused: branches of one value, multiplied out.
inline constexpr size_t kMaxAlternatives = 512;
// References and branches that one value leads through.
inline constexpr size_t kMaxSchemaSteps = 256;

// `on_one_of` is called with each schema that has oneOf: its branches become
// alternatives like those of anyOf, so they must exclude each other. Throws
// SchemaRefusal.
std::vector<SchemaSet> alternatives_of(
    const SchemaDocument& document,
    const SchemaSet& schemas,
    const std::function<void(const JsonValue&)>& on_one_of);

}  // namespace hadal
