// Logging from within the library (hadal/log.h says where it goes).
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "hadal/log.h"

namespace hadal {

// Cheap: one atomic load when nothing is logged.
bool log_enabled(LogLevel level, std::string_view area);

void log_line(LogLevel level, std::string_view area, std::string_view message);

// log(LogLevel::info, "model", "{} layers", n): formats only when wanted.
template <class... Arguments>
void log(
    LogLevel level,
    std::string_view area,
    fmt::format_string<Arguments...> format,
    Arguments&&... arguments) {
  if (log_enabled(level, area))
    log_line(
        level,
        area,
        fmt::format(format, std::forward<Arguments>(arguments)...));
}

}  // namespace hadal
