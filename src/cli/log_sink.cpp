#include "cli/log_sink.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "hadal/log.h"

namespace hadal::cli {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::off:
      return spdlog::level::off;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::trace:
      return spdlog::level::trace;
  }
  return spdlog::level::info;
}

}  // namespace

std::string start_log(const std::string& levels) {
  if (levels.empty())
    return "";
  const Result<std::string> set = set_log_levels(levels);
  if (!set)
    return set.error().message;
  auto logger = spdlog::get("hadal");
  if (!logger)
    logger = spdlog::stderr_color_st("hadal");
  // The library has filtered by level and area already.
  logger->set_level(spdlog::level::trace);
  logger->set_pattern("%H:%M:%S.%e %^%l%$ %v");
  set_log_sink([logger](const LogRecord& record) {
    logger->log(level_of(record.level), "{}: {}", record.area, record.message);
  });
  return "";
}

}  // namespace hadal::cli
