#include "convert/sizes.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <string>

#include "checkpoint/quote.h"
#include "hadal/error.h"

namespace hadal {
namespace {

[[noreturn]] void refuse(std::string_view text) {
  throw Error(
      ErrorCode::invalid_argument,
      "size: found " + in_quotes(std::string(text)) +
          ", expected a number with a unit, such as 5G, 500MB or 96GiB");
}

// 0 when it is no unit.
double unit_bytes(std::string unit) {
  for (char& c : unit)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (unit.empty() || unit == "B")
    return 1;
  const bool binary = unit.size() == 3 && unit[1] == 'I' && unit[2] == 'B';
  if (!binary && unit.size() > 1 && !(unit.size() == 2 && unit[1] == 'B'))
    return 0;
  const size_t power = std::string_view("KMGT").find(unit[0]);
  if (power == std::string_view::npos)
    return 0;
  return std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
}

}  // namespace

uint64_t parse_size(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc())
    refuse(text);
  std::string_view rest(stopped, static_cast<size_t>(end - stopped));
  while (!rest.empty() && rest.front() == ' ')
    rest.remove_prefix(1);
  const double unit = unit_bytes(std::string(rest));
  const double bytes = number * unit;
  if (unit == 0 || !(bytes >= 1) || !(bytes < 1e18))
    refuse(text);
  return static_cast<uint64_t>(bytes);
}

}  // namespace hadal
