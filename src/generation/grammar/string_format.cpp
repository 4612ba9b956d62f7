// Formats as patterns.
#include "generation/grammar/string_format.h"

#include <array>
#include <string>
#include <utility>

#include "generation/grammar/regex_parser.h"

namespace hadal {
namespace {

const std::string kDate =
    "[1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|"
    "(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
const std::string kTime =
    "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?"
    "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
const std::string kLabel = "[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?";
const std::string kHost = kLabel + "(\\." + kLabel + "){0,4}";
const std::string kDomain = kLabel + "(\\." + kLabel + "){1,4}";
const std::string kByte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const std::string kIpv4 = kByte + "(\\." + kByte + "){3}";
const std::string kUuid =
    "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-"
    "[0-9a-fA-F]{12}";
const std::string kMailName =
    "[A-Za-z0-9_+%-]{1,32}(\\.[A-Za-z0-9_+%-]{1,32}){0,3}";
const std::string kDuration =
    "P([0-9]{1,4}W|[0-9]{1,4}Y([0-9]{1,4}M([0-9]{1,4}D)?)?|"
    "[0-9]{1,4}M([0-9]{1,4}D)?|[0-9]{1,4}D|"
    "([0-9]{1,4}D)?T([0-9]{1,4}H([0-9]{1,4}M([0-9]{1,4}S)?)?|"
    "[0-9]{1,4}M([0-9]{1,4}S)?|[0-9]{1,4}S))";
// A character of a path, and of a query or fragment.
const std::string kPath = "([A-Za-z0-9_.~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})";
const std::string kQuery = "([A-Za-z0-9_.~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})";
const std::string kAfterHost =
    "(:[0-9]{1,5})?(/" + kPath + "*)?(\\?" + kQuery + "*)?(#" + kQuery + "*)?";
const std::string kUri = "(https?|ftp|wss?)://" + kHost + kAfterHost +
                         "|mailto:" + kMailName + "@" + kDomain +
                         "|urn:[a-z0-9]{2,16}:[A-Za-z0-9._:-]{1,64}|file:///" +
                         kPath + "*";

// Eight groups, or fewer around one "::".
std::string ipv6() {
  const std::string group = "[0-9a-fA-F]{1,4}";
  std::string forms = "(" + group + ":){7}" + group;
  for (int before = 0; before <= 7; ++before) {
    std::string head = before == 0 ? ""
                                   : group + "(:" + group + "){" +
                                         std::to_string(before - 1) + "}";
    const int behind = 7 - before;
    std::string tail = behind == 0 ? ""
                                   : "(" + group + "(:" + group + "){0," +
                                         std::to_string(behind - 1) + "})?";
    forms += "|" + head + "::" + tail;
  }
  return forms;
}

}  // namespace

std::optional<TextAutomaton> format_texts(std::string_view format) {
  const std::array<std::pair<std::string_view, std::string>, 11> patterns = {{
      {"date", kDate},
      {"time", kTime},
      {"date-time", kDate + "T" + kTime},
      {"duration", kDuration},
      {"uuid", kUuid},
      {"email", kMailName + "@" + kDomain},
      {"hostname", kHost},
      {"ipv4", kIpv4},
      {"ipv6", ipv6()},
      {"uri", kUri},
      {"uri-reference", kUri + "|/" + kPath + "*"},
  }};
  for (const auto& [name, pattern] : patterns)
    if (name == format)
      return whole_matches(parse_pattern(pattern));
  return std::nullopt;
}

}  // namespace hadal
