// What the library has to say while it works. It prints nothing by itself.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "hadal/result.h"

namespace hadal {

enum class LogLevel { off, error, warning, info, debug, trace };

// "error", "warning", ...
std::string_view name(LogLevel level);

struct LogRecord {
  LogLevel level = LogLevel::info;
  std::string_view area;     // the folder it comes from: "model", "cache", ...
  std::string_view message;  // one line; texts of users only from debug on
};

using LogSink = std::function<void(const LogRecord&)>;

// Where records go; an empty sink (the default) drops them. The sink may be
// called from any thread, one call at a time.
void set_log_sink(LogSink sink);

// Which records reach the sink: a level for all areas, and others by area, as
// in "warning,cache=debug". Leaves everything as it was when the text is wrong.
Result<std::string> set_log_levels(std::string_view spec);

}  // namespace hadal
