// Comparing digit by digit, as states of an automaton.
#include "generation/grammar/number_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "generation/grammar/regex_parser.h"

namespace hadal {
namespace {

constexpr size_t kIntegerDigits = 18;
constexpr size_t kExactDigits = 15;
constexpr size_t kMaxBoundDigits = 100;

// Where the digits of a positive number stand.
struct Place {
  enum class Phase { start, zero, whole, point, fraction };
  Phase phase = Phase::start;
  size_t whole = 0;     // digits
  size_t fraction = 0;  // digits
  // The digits so far against those of the bounds at the same places.
  int against_min = 0;
  int against_max = 0;

  bool operator<(const Place& other) const {
    return std::tie(phase, whole, fraction, against_min, against_max) <
           std::tie(
               other.phase,
               other.whole,
               other.fraction,
               other.against_min,
               other.against_max);
  }
};

int order_of(char a, char b) {
  return (a > b) - (a < b);
}

// Positive numbers within two bounds that are not negative.
class Magnitudes {
 public:
  Magnitudes(
      const std::optional<NumberBound>& min,
      const std::optional<NumberBound>& max,
      bool integers_only)
      : min_(min), max_(max), integers_only_(integers_only) {
    whole_digits_ = integers_only ? kIntegerDigits : kExactDigits;
    if (min)
      whole_digits_ = std::max(whole_digits_, min->value.whole.size() + 1);
    if (max)
      whole_digits_ = max->value.whole.size();
  }

  TextAutomaton build();

 private:
  int whole_order(const NumberBound& bound, int digits, size_t count) const {
    if (count != bound.value.whole.size())
      return count < bound.value.whole.size() ? -1 : 1;
    return digits;
  }
  Place with_whole_digit(Place place, char digit) const;
  Place with_point(Place place) const;
  Place with_fraction_digit(Place place, char digit) const;
  bool accepts(const Place& place) const;
  std::optional<Place> after(const Place& place, char c) const;

  const std::optional<NumberBound>& min_;
  const std::optional<NumberBound>& max_;
  bool integers_only_;
  size_t whole_digits_ = 0;
};

Place Magnitudes::with_whole_digit(Place place, char digit) const {
  const auto compare_digit = [&](int& order,
                                 const std::optional<NumberBound>& bound) {
    if (bound && order == 0 && place.whole < bound->value.whole.size())
      order = order_of(digit, bound->value.whole[place.whole]);
  };
  compare_digit(place.against_min, min_);
  compare_digit(place.against_max, max_);
  place.phase = Place::Phase::whole;
  ++place.whole;
  return place;
}

Place Magnitudes::with_point(Place place) const {
  if (min_)
    place.against_min = whole_order(*min_, place.against_min, place.whole);
  if (max_)
    place.against_max = whole_order(*max_, place.against_max, place.whole);
  place.phase = Place::Phase::point;
  return place;
}

Place Magnitudes::with_fraction_digit(Place place, char digit) const {
  const auto compare_digit = [&](int& order,
                                 const std::optional<NumberBound>& bound) {
    if (!bound || order != 0)
      return;
    const std::string& digits = bound->value.fraction;
    order = order_of(
        digit, place.fraction < digits.size() ? digits[place.fraction] : '0');
  };
  compare_digit(place.against_min, min_);
  compare_digit(place.against_max, max_);
  place.phase = Place::Phase::fraction;
  ++place.fraction;
  return place;
}

bool Magnitudes::accepts(const Place& place) const {
  if (place.phase == Place::Phase::start || place.phase == Place::Phase::point)
    return false;
  const Place end =
      place.phase == Place::Phase::fraction ? place : with_point(place);
  const auto order = [&](int digits, const NumberBound& bound) {
    return digits == 0 && end.fraction < bound.value.fraction.size() ? -1
                                                                     : digits;
  };
  if (min_) {
    int against = order(end.against_min, *min_);
    if (against < 0 || (against == 0 && min_->is_open))
      return false;
  }
  if (max_) {
    int against = order(end.against_max, *max_);
    if (against > 0 || (against == 0 && max_->is_open))
      return false;
  }
  return true;
}

std::optional<Place> Magnitudes::after(const Place& place, char c) const {
  using Phase = Place::Phase;
  if (c == '.') {
    if (integers_only_ ||
        (place.phase != Phase::zero && place.phase != Phase::whole))
      return std::nullopt;
    return with_point(place);
  }
  switch (place.phase) {
    case Phase::start:
      if (c == '0') {
        Place zero = place;
        zero.phase = Phase::zero;
        return zero;
      }
      [[fallthrough]];
    case Phase::whole:
      if (place.whole >= whole_digits_)
        return std::nullopt;
      return with_whole_digit(place, c);
    case Phase::zero:
      return std::nullopt;
    case Phase::point:
    case Phase::fraction:
      if (std::max<size_t>(place.whole, 1) + place.fraction >= kExactDigits)
        return std::nullopt;
      return with_fraction_digit(place, c);
  }
  return std::nullopt;
}

TextAutomaton Magnitudes::build() {
  std::map<Place, int32_t> numbers = {{Place{}, 0}};
  std::vector<Place> order = {Place{}};
  TextAutomaton result;
  result.states.clear();
  for (size_t n = 0; n < order.size(); ++n) {
    const Place place = order[n];
    TextState state;
    state.accepts = accepts(place);
    for (char c : std::string_view(".0123456789")) {
      std::optional<Place> next = after(place, c);
      if (!next)
        continue;
      auto [known, is_new] =
          numbers.emplace(*next, static_cast<int32_t>(order.size()));
      if (is_new)
        order.push_back(*next);
      const char32_t character = static_cast<char32_t>(c);
      state.edges.push_back({character, character, known->second});
    }
    result.states.push_back(std::move(state));
  }
  return without_dead_ends(std::move(result));
}

void check_digits(const std::optional<NumberBound>& bound, bool integers_only) {
  if (!bound)
    return;
  const Decimal& value = bound->value;
  const size_t limit = integers_only ? kMaxBoundDigits : kExactDigits;
  if (value.whole.size() + value.fraction.size() > limit)
    throw GrammarRefusal{fmt::format(
        "the bound {} has more than the limit of {} digits; round it",
        value.text(),
        limit)};
}

// `text` behind a minus sign, or nothing before it: the union of both.
TextAutomaton with_signs(TextAutomaton plus, const TextAutomaton& minus) {
  if (minus.empty())
    return plus;
  const int32_t shift = static_cast<int32_t>(plus.states.size());
  for (const TextState& state : minus.states) {
    plus.states.push_back(state);
    for (TextEdge& edge : plus.states.back().edges)
      edge.target += shift;
  }
  std::vector<TextEdge>& start = plus.states[0].edges;
  start.insert(start.begin(), {'-', '-', shift});
  return plus;
}

}  // namespace

TextAutomaton number_texts(const NumberLimits& limits) {
  if (!limits.min && !limits.max)
    return whole_matches(parse_pattern(
        limits.integers_only
            ? "0|-?[1-9][0-9]{0,17}"
            : "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?"));
  check_digits(limits.min, limits.integers_only);
  check_digits(limits.max, limits.integers_only);
  TextAutomaton plus;
  if (!limits.max || !limits.max->value.negative) {
    std::optional<NumberBound> min = limits.min;
    if (min && min->value.negative)
      min.reset();
    plus = Magnitudes(min, limits.max, limits.integers_only).build();
  }
  TextAutomaton minus;
  if (!limits.min || limits.min->value.negative) {
    // Above zero, since 0 has no sign.
    std::optional<NumberBound> min = NumberBound{{}, true};
    if (limits.max && limits.max->value.negative)
      min = NumberBound{limits.max->value.negated(), limits.max->is_open};
    std::optional<NumberBound> max;
    if (limits.min)
      max = NumberBound{limits.min->value.negated(), limits.min->is_open};
    minus = Magnitudes(min, max, limits.integers_only).build();
  }
  return with_signs(std::move(plus), minus);
}

}  // namespace hadal
