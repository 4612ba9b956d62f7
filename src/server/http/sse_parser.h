// Server-sent events from a stream of bytes, cut anywhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hadal {

struct SseEvent {
  std::string type;  // of the line "event:", empty without one
  std::string data;  // lines joined by "\n"

  bool operator==(const SseEvent&) const = default;
};

// Comments and events without data give nothing.
class SseParser {
 public:
  std::vector<SseEvent> push(std::string_view bytes);

 private:
  void take_line(std::string_view line, std::vector<SseEvent>& events);

  std::string line_;
  bool after_cr_ = false;
  SseEvent event_;
  bool has_data_ = false;
};

}  // namespace hadal
