// The leaves of JSON text: punctuation with its white space, strings, numbers,
// listed values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "generation/grammar/grammar.h"
#include "generation/grammar/leaf.h"
#include "generation/grammar/number_text.h"
#include "generation/grammar/regex.h"
#include "text/json_value.h"

namespace hadal {

// What a string may be.
struct StringLimits {
  std::optional<TextAutomaton> texts;  // nothing: any text
  int64_t min_chars = 0;
  int64_t max_chars = -1;  // -1: any number
};

// Makes leaves for one compilation; the pool shares them with others.
//
// White space: none, one space, or a newline with at most 24 spaces or 8 tabs,
// so that a model writes the layout that it knows and cannot go on writing
// blanks.
class JsonLeaves {
 public:
  explicit JsonLeaves(LeafPool& pool) : pool_(pool) {}

  const LeafPool& pool() const { return pool_; }

  // A leaf of texts as they are; nothing when there are none. "" is left out.
  std::optional<Terminal> raw(const TextAutomaton& texts);
  Terminal literal(std::string_view text);

  Terminal object_start();  // { and the first key's quote
  Terminal object_end();    // } after members
  Terminal empty_object();
  Terminal array_start();  // [ before items
  Terminal array_end();
  Terminal empty_array();
  Terminal item_separator();    // a comma
  Terminal member_separator();  // a comma and the next key's quote
  Terminal colon();
  // A key behind its opening quote, with its closing one.
  Terminal key(const TextAutomaton& names);

  // Nothing when no string is within the limits.
  std::optional<Terminal> string(const StringLimits& limits);
  // Raw text with its end mark (marked_text.h).
  std::optional<Terminal> marked_string(const StringLimits& limits);
  std::optional<Terminal> number(const NumberLimits& limits);
  // These values, with the spaces of print_json or without any.
  std::optional<Terminal> listed(const std::vector<JsonValue>& values);
  std::optional<Terminal> listed_marked(const std::vector<std::string>& texts);

 private:
  Terminal pattern(std::string_view regex);
  // The leaf of that name, made on first use.
  template <class Make>
  Terminal named(std::string_view name, const Make& make);

  LeafPool& pool_;
  std::map<std::string, Terminal, std::less<>> known_;
};

}  // namespace hadal
