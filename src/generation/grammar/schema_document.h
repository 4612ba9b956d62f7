// A JSON Schema as the client sent it: places, references, keywords.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hadal/result.h"
#include "text/json_value.h"

namespace hadal {

// Beyond them a schema is refused.
inline constexpr size_t kMaxSchemaValues = 50'000;  // of JSON, all together
inline constexpr size_t kMaxSchemaDepth = 128;

// Thrown inside the compiler; the cache turns it into a Failure. A refusal is
// deep in the schema, and passing it up through every level would hide what is
// compiled.
struct SchemaRefusal {
  Failure failure;
};

// Does not own the schema, which must outlive it. Values of the schema are
// known by their address.
class SchemaDocument {
 public:
  // `path` is where the schema stands in the request. Throws SchemaRefusal for
  // a schema beyond the limits.
  SchemaDocument(const JsonValue& root, std::string path);

  const JsonValue& root() const { return root_; }

  // What "$ref" of `schema` points to, within this document.
  const JsonValue& referred(const JsonValue& schema) const;
  // "response_format.json_schema.schema.properties.a".
  std::string path_of(const JsonValue& value) const;

  // Throws SchemaRefusal at a keyword of `schema`, or, for an empty keyword, at
  // the schema itself.
  [[noreturn]] void refuse(
      const JsonValue& schema,
      std::string_view keyword,
      const std::string& message) const;

  // A keyword whose value must be a number of things: not negative, clipped to
  // 2^31 - 1. Nothing when it is absent.
  std::optional<int64_t> count_keyword(
      const JsonValue& schema, std::string_view keyword) const;
  // A keyword whose value must be an array or object; null when absent.
  const JsonValue* array_keyword(
      const JsonValue& schema, std::string_view keyword) const;
  const JsonValue* object_keyword(
      const JsonValue& schema, std::string_view keyword) const;
  // Refuses what no grammar of ours can honour: if, not, contains, ...
  void check_keywords(const JsonValue& schema) const;

 private:
  const JsonValue& root_;
  std::string path_;
};

}  // namespace hadal
