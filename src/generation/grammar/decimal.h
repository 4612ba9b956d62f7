// Exact decimal numbers, for bounds: a double would move them.
#pragma once

#include <string>
#include <string_view>

namespace hadal {

// sign * whole.fraction. Zero is positive.
struct Decimal {
  bool negative = false;
  std::string whole;     // digits without leading zeros; "" is 0
  std::string fraction;  // digits without trailing zeros

  bool is_zero() const { return whole.empty() && fraction.empty(); }
  bool is_integer() const { return fraction.empty(); }
  Decimal negated() const;
  std::string text() const;
};

// `json_number` has the syntax of JSON. Throws GrammarRefusal for an exponent
// beyond 100 in either direction.
Decimal read_decimal(std::string_view json_number);

// Below zero: a < b; zero: equal; else a > b.
int compare(const Decimal& a, const Decimal& b);

}  // namespace hadal
