// JSON Schema -> grammar rules.
//
// A value's schema is a set of schemas that all hold. The set is multiplied out
// into alternatives without branches (schema_alternatives.h); each alternative
// gives one leaf for its strings, numbers and so on, and a rule for its objects
// and arrays. Sets that were met before give the rule that they gave before,
// which makes recursion end.
//
// What is generated is valid, but not all that is valid is generated: members
// come in the order of `properties`, names that no schema declares only where
// additionalProperties asks for them, white space is bounded.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "generation/grammar/grammar.h"
#include "generation/grammar/json_leaves.h"
#include "generation/grammar/schema_alternatives.h"
#include "generation/grammar/schema_document.h"

namespace hadal {

// Kinds of values, as bits.
using ValueKinds = uint8_t;
inline constexpr ValueKinds kNullValues = 1;
inline constexpr ValueKinds kBooleanValues = 2;
inline constexpr ValueKinds kWholeValues = 4;  // numbers that are integers
inline constexpr ValueKinds kOtherNumbers = 8;
inline constexpr ValueKinds kStringValues = 16;
inline constexpr ValueKinds kArrayValues = 32;
inline constexpr ValueKinds kObjectValues = 64;
inline constexpr ValueKinds kAllValues = 127;

// Declared members of one object; more are refused.
inline constexpr size_t kMaxMembers = 1'000;

class SchemaCompiler {
 public:
  // All outlive the compiler. Nodes and rules are added to `builder`.
  SchemaCompiler(
      const SchemaDocument& document,
      GrammarBuilder& builder,
      JsonLeaves& leaves);

  // The values that satisfy all of `schemas` and are of one of `kinds`, as
  // JSON. The symbol may accept nothing: GrammarBuilder::finish finds out.
  // Throws SchemaRefusal.
  GrammarSymbol values(const SchemaSet& schemas, ValueKinds kinds = kAllValues);
  // The strings among them as raw text with its end mark, for parameters of
  // tool calls.
  std::vector<GrammarSymbol> marked_strings(const SchemaSet& schemas);
  // Compiles the rules that the symbols so far use. Call it once, at the end.
  void finish();

  // What is said of an object's members, over all schemas of a set that has no
  // branches.
  struct Members {
    std::vector<std::string> names;  // in the order of declaration
    std::vector<bool> required;      // [names]
    // Names that are not declared, by the schema of their values.
    struct Others {
      TextAutomaton names;
      SchemaSet schemas;
    };
    std::vector<Others> others;
    int64_t min = 0;
    int64_t max = -1;
  };
  Members members_of(const SchemaSet& schemas);
  // The schemas of the member `name`; nothing when it must not be there.
  std::optional<SchemaSet> member_schemas(
      const SchemaSet& schemas, const std::string& name);
  // Sets of schemas without branches, for tool parameters.
  std::vector<SchemaSet> alternatives(const SchemaSet& schemas);
  ValueKinds kinds_of(const SchemaSet& schemas) const;

 private:
  // Checks that no value can satisfy two branches of the oneOf of `schema`.
  void check_one_of(const JsonValue& schema);
  bool exclude_each_other(const JsonValue& a, const JsonValue& b);

  // schema_values.cpp: values without parts.
  std::vector<GrammarSymbol> simple_values(
      const SchemaSet& schemas, ValueKinds kinds);
  // The values of enum and const that satisfy all schemas.
  std::vector<JsonValue> listed_values(
      const SchemaSet& schemas, ValueKinds kinds) const;
  StringLimits string_limits(const SchemaSet& schemas) const;
  NumberLimits number_limits(const SchemaSet& schemas, bool whole) const;
  void add_bound(
      const JsonValue& schema,
      std::string_view keyword,
      NumberLimits& limits) const;
  TextAutomaton pattern_texts(
      const JsonValue& schema,
      std::string_view keyword,
      const JsonValue& pattern) const;
  int64_t most_of(const SchemaSet& schemas, std::string_view keyword) const;
  int64_t least_of(const SchemaSet& schemas, std::string_view keyword) const;

  // schema_objects.cpp, schema_arrays.cpp: from `start` to `end`.
  void add_object(const SchemaSet& schemas, int32_t start, int32_t end);
  void add_array(const SchemaSet& schemas, int32_t start, int32_t end);
  std::optional<SchemaSet> item_schemas(
      const SchemaSet& schemas, size_t index) const;
  size_t longest_prefix(const SchemaSet& schemas) const;
  void check_unique(const SchemaSet& schemas, int64_t max_items) const;
  std::optional<TextAutomaton> allowed_names(const SchemaSet& schemas);
  void add_other_members(const SchemaSet& schemas, Members& members);

  struct Pending {
    int32_t rule = 0;
    std::vector<SchemaSet> objects;
    std::vector<SchemaSet> arrays;
    int32_t start = 0;
    int32_t end = 0;
  };
  const SchemaDocument& document_;
  GrammarBuilder& builder_;
  JsonLeaves& leaves_;
  std::map<std::pair<SchemaSet, ValueKinds>, GrammarSymbol> known_;
  std::vector<Pending> pending_;
  // oneOf that were checked or are being checked; shared with the compilers
  // that check.
  std::shared_ptr<std::map<const JsonValue*, bool>> one_of_checked_;
  // Above 0 while branches are compared. Formats count for nothing then, since
  // for many readers they only annotate.
  int one_of_depth_ = 0;
};

}  // namespace hadal
