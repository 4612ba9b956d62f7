// The numbers that a schema allows, as texts.
#pragma once

#include <optional>

#include "generation/grammar/decimal.h"
#include "generation/grammar/text_automaton.h"

namespace hadal {

struct NumberBound {
  Decimal value;
  bool is_open = false;  // the value itself is not allowed
};

struct NumberLimits {
  bool integers_only = false;
  std::optional<NumberBound> min;
  std::optional<NumberBound> max;
};

// Of the many spellings of a number these are generated, so that a number ends:
// integers of at most 18 digits (more when the bounds have more); other numbers
// with at most 18 digits before and 17 behind the point and an exponent of two
// digits; with bounds, no exponent and at most 15 digits together, which a
// double tells apart, so that a reader's rounding cannot pass a bound.
//
// Empty when nothing is within the bounds. Throws GrammarRefusal for bounds of
// too many digits.
TextAutomaton number_texts(const NumberLimits& limits);

}  // namespace hadal
