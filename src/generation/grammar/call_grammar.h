// The inside of one tool call: its parameters in DSML, by the tool's schema.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "generation/grammar/schema_compiler.h"
#include "text/prompt_format.h"

namespace hadal {

class CallGrammar {
 public:
  // All outlive this object. Nodes and rules are added to `builder`.
  CallGrammar(
      const PromptFormat& format, GrammarBuilder& builder, JsonLeaves& leaves);

  // A rule for what stands between the newline behind the opening tag of a call
  // and the one behind its closing tag. Nothing when no arguments satisfy the
  // schema. `path` is its place in the request. Throws SchemaRefusal.
  std::optional<int32_t> rule(
      const JsonValue& parameters, const std::string& path);

  // Tags as the automata read them, the marker as one byte: "<" marker name
  // without ">", and a whole closing tag.
  static std::string open(std::string_view name);
  static std::string close(std::string_view name);
  // An edge that reads markup.
  void add_markup(int32_t from, std::string_view text, int32_t to);

 private:
  using Members = SchemaCompiler::Members;

  GrammarSymbol markup(std::string_view text);
  // Refuses what cannot be written in a call, or is not counted.
  void check_members(
      const SchemaDocument& document, const Members& members) const;
  void add_members(
      SchemaCompiler& compiler,
      const SchemaSet& schemas,
      int32_t start,
      int32_t end);
  // From behind a parameter's name to the place behind its closing tag.
  void add_value(
      SchemaCompiler& compiler,
      const SchemaSet& schemas,
      int32_t named,
      int32_t done);
  void add_other_names(
      SchemaCompiler& compiler,
      const Members::Others& others,
      int32_t from,
      int32_t done);

  const PromptFormat& format_;
  GrammarBuilder& builder_;
  JsonLeaves& leaves_;
};

}  // namespace hadal
