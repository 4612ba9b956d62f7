// Digits as text.
#include "generation/grammar/decimal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "generation/grammar/text_automaton.h"

namespace hadal {
namespace {

constexpr long kMaxExponent = 100;

void strip(Decimal& value) {
  value.whole.erase(0, value.whole.find_first_not_of('0'));
  size_t last = value.fraction.find_last_not_of('0');
  value.fraction.erase(last == std::string::npos ? 0 : last + 1);
  if (value.is_zero())
    value.negative = false;
}

int sign_of(int order) {
  return (order > 0) - (order < 0);
}

}  // namespace

Decimal Decimal::negated() const {
  Decimal result = *this;
  result.negative = !negative && !is_zero();
  return result;
}

std::string Decimal::text() const {
  return fmt::format(
      "{}{}{}{}",
      negative ? "-" : "",
      whole.empty() ? "0" : whole,
      fraction.empty() ? "" : ".",
      fraction);
}

Decimal read_decimal(std::string_view json_number) {
  Decimal value;
  const std::string text(json_number);
  size_t mantissa_end = std::min(text.find_first_of("eE"), text.size());
  long exponent = 0;
  if (mantissa_end < text.size())
    exponent = std::strtol(text.c_str() + mantissa_end + 1, nullptr, 10);
  if (exponent < -kMaxExponent || exponent > kMaxExponent)
    throw GrammarRefusal{fmt::format(
        "the number {} has an exponent beyond the limit of {}",
        text,
        kMaxExponent)};
  std::string mantissa = text.substr(0, mantissa_end);
  if (mantissa.starts_with('-')) {
    value.negative = true;
    mantissa.erase(0, 1);
  }
  size_t point = std::min(mantissa.find('.'), mantissa.size());
  value.whole = mantissa.substr(0, point);
  if (point < mantissa.size())
    value.fraction = mantissa.substr(point + 1);
  for (; exponent > 0; --exponent) {
    value.whole += value.fraction.empty() ? '0' : value.fraction[0];
    if (!value.fraction.empty())
      value.fraction.erase(0, 1);
  }
  for (; exponent < 0; ++exponent) {
    value.fraction.insert(0, 1, value.whole.empty() ? '0' : value.whole.back());
    if (!value.whole.empty())
      value.whole.pop_back();
  }
  strip(value);
  return value;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative)
    return a.negative ? -1 : 1;
  int order = 0;
  if (a.whole.size() != b.whole.size())
    order = a.whole.size() < b.whole.size() ? -1 : 1;
  else
    order = sign_of(a.whole.compare(b.whole));
  if (order == 0)  // no trailing zeros: text order is numeric order
    order = sign_of(a.fraction.compare(b.fraction));
  return a.negative ? -order : order;
}

}  // namespace hadal
