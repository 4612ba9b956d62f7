// Regular expressions as values, and their automata.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "generation/grammar/char_set.h"
#include "generation/grammar/text_automaton.h"

namespace hadal {

// A tree. Repeating copies its operand, so counts are bounded by
// kMaxTextStates.
struct Regex {
  enum class Kind {
    set,         // one character of `characters`
    sequence,    // `parts`, one after the other; none: the empty text
    choice,      // one of `parts`
    repeat,      // parts[0], min to max times; max -1: without end
    text_begin,  // ^
    text_end,    // $
  };
  Kind kind = Kind::sequence;
  CharSet characters;
  std::vector<Regex> parts;
  int64_t min = 0;
  int64_t max = 0;

  static Regex set(CharSet characters);
  // UTF-8; the byte 0xFF stands for kMarkerCharacter.
  static Regex literal(std::string_view text);
  static Regex sequence(std::vector<Regex> parts);
  static Regex choice(std::vector<Regex> parts);
  static Regex repeat(Regex part, int64_t min, int64_t max);
  static Regex optional(Regex part) { return repeat(std::move(part), 0, 1); }
};

// The texts that match as a whole. Throws GrammarRefusal when there are too
// many states.
TextAutomaton whole_matches(const Regex& regex);
// The texts in which it is found somewhere, as JSON Schema's `pattern` means
// it; ^ and $ tie it to the ends.
TextAutomaton texts_with_match(const Regex& regex);

}  // namespace hadal
