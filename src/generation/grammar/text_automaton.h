// Sets of texts as deterministic automata over characters. Everything that a
// string may be (patterns, formats, lengths, lists of values, all but some
// names) is one of these before it becomes bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "generation/grammar/char_set.h"

namespace hadal {

// Thrown inside the compiler when something cannot be honoured; whoever knows
// the place in the schema turns it into a Failure.
struct GrammarRefusal {
  std::string message;
};

// One automaton, before it becomes bytes. Beyond it the schema is refused.
inline constexpr size_t kMaxTextStates = 16'384;

struct TextEdge {
  char32_t first = 0;
  char32_t last = 0;  // included
  int32_t target = 0;
  // By how much it raises the number of characters known to be text. Anything
  // but 1 only where the end of a value is not told from text at once.
  uint8_t count = 1;
  bool operator==(const TextEdge&) const = default;
};

struct TextState {
  bool accepts = false;
  std::vector<TextEdge> edges;  // sorted, disjoint
};

// State 0 is the start. From every state an accepting one can be reached, but
// for the start of the empty set.
struct TextAutomaton {
  std::vector<TextState> states = std::vector<TextState>(1);

  // No text at all is accepted, not even "".
  bool empty() const { return !states[0].accepts && states[0].edges.empty(); }
  bool accepts_empty_text() const { return states[0].accepts; }
  // Whether it accepts a text of valid UTF-8.
  bool accepts(std::string_view text) const;
};

TextAutomaton any_text();
// Exactly these texts.
TextAutomaton one_of(const std::vector<std::string>& texts);

// Each throws GrammarRefusal when the result has too many states.
TextAutomaton intersect(const TextAutomaton& a, const TextAutomaton& b);
// All texts that `a` does not accept.
TextAutomaton complement(const TextAutomaton& a);
// Those with min to max characters; max -1: any number.
TextAutomaton limit_length(
    const TextAutomaton& a, int64_t min_chars, int64_t max_chars);
// Without the states from which nothing is accepted.
TextAutomaton without_dead_ends(TextAutomaton a);

// The characters of valid UTF-8.
std::vector<char32_t> characters_of(std::string_view text);

}  // namespace hadal
