// Whether a value satisfies a schema: for choosing among listed values, and as
// the tests' second opinion on what the grammar lets through.
#pragma once

#include "generation/grammar/schema_document.h"
#include "text/json_value.h"

namespace hadal {

// JSON Schema's equality: numbers by value, objects without order.
bool same_json(const JsonValue& a, const JsonValue& b);

struct CheckOptions {
  // An enum of which the value is known to be a member; may be null.
  const JsonValue* listed = nullptr;
  // `format` counts, where format_texts knows it.
  bool with_formats = true;
};

// All supported keywords. Throws SchemaRefusal for keywords with values of a
// wrong type.
bool satisfies(
    const SchemaDocument& document,
    const JsonValue& value,
    const JsonValue& schema,
    const CheckOptions& options = {});

}  // namespace hadal
