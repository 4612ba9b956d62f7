// The block of tool calls in DSML, as the model was trained to write it
// (spec/text.md 2.8):
//
//   <｜DSML｜tool_calls>
//   <｜DSML｜invoke name="get_weather">
//   <｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>
//   <｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>
//   </｜DSML｜invoke>
//   </｜DSML｜tool_calls>
//
// A call without parameters has an empty line between its tags. Text of strings
// is raw: it may hold anything but what a reader could take for a closing tag.
#pragma once

#include <memory>

#include "generation/grammar/constraint_factory.h"
#include "generation/grammar/grammar.h"
#include "generation/grammar/leaf.h"

namespace hadal {

// Beyond it a list of tools is refused.
inline constexpr size_t kMaxGrammarTools = 1'000;

// Throws SchemaRefusal for schemas of strict tools, for an empty list and for
// one that is too long.
std::unique_ptr<Grammar> tool_grammar(
    const ToolGrammarOptions& options, LeafPool& pool);

}  // namespace hadal
