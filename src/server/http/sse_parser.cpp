#include "server/http/sse_parser.h"

#include <utility>

namespace hadal {

std::vector<SseEvent> SseParser::push(std::string_view bytes) {
  std::vector<SseEvent> events;
  for (const char c : bytes) {
    // A line ends with \n, \r or \r\n.
    const bool second = after_cr_ && c == '\n';
    after_cr_ = c == '\r';
    if (second)
      continue;
    if (c == '\n' || c == '\r')
      take_line(std::exchange(line_, {}), events);
    else
      line_ += c;
  }
  return events;
}

void SseParser::take_line(
    std::string_view line, std::vector<SseEvent>& events) {
  if (line.empty()) {
    if (has_data_)
      events.push_back(event_);
    event_ = {};
    has_data_ = false;
    return;
  }
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value;
  if (colon != std::string_view::npos)
    value = line.substr(colon + 1);
  if (value.starts_with(' '))
    value.remove_prefix(1);
  if (name == "event") {
    event_.type = value;
  } else if (name == "data") {
    if (std::exchange(has_data_, true))
      event_.data += '\n';
    event_.data += value;
  }
}

}  // namespace hadal
