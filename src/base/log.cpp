#include "base/log.h"

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>

namespace hadal {
namespace {

constexpr std::array<std::string_view, 6> kNames = {
    "off", "error", "warning", "info", "debug", "trace"};

struct Levels {
  LogLevel all = LogLevel::off;
  std::map<std::string, LogLevel, std::less<>> by_area;

  LogLevel of(std::string_view area) const {
    const auto found = by_area.find(area);
    return found == by_area.end() ? all : found->second;
  }
};

struct State {
  std::mutex mutex;
  LogSink sink;
  Levels levels;
};

// Never destroyed: threads may log while the program ends.
State& state() {
  static State& instance = *new State;
  return instance;
}

// The most talkative level of any area, off while there is no sink: what every
// call looks at first.
std::atomic<LogLevel> ceiling = LogLevel::off;

void update_ceiling(const State& state) {
  LogLevel most = state.levels.all;
  for (const auto& [area, level] : state.levels.by_area)
    most = std::max(most, level);
  ceiling = state.sink ? most : LogLevel::off;
}

std::optional<LogLevel> parse_level(std::string_view text) {
  for (size_t i = 0; i < kNames.size(); ++i)
    if (text == kNames[i])
      return static_cast<LogLevel>(i);
  return std::nullopt;
}

}  // namespace

std::string_view name(LogLevel level) {
  return kNames[static_cast<size_t>(level)];
}

void set_log_sink(LogSink sink) {
  const std::lock_guard lock(state().mutex);
  state().sink = std::move(sink);
  update_ceiling(state());
}

Result<std::string> set_log_levels(std::string_view spec) {
  Levels levels;
  std::string_view rest = spec;
  while (true) {
    const size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const size_t equals = part.find('=');
    const bool has_area = equals != std::string_view::npos;
    const std::string_view word = has_area ? part.substr(equals + 1) : part;
    const std::optional<LogLevel> level = parse_level(word);
    if (!level || (has_area && equals == 0))
      return Failure{
          ErrorCode::invalid_argument,
          fmt::format(
              "log levels \"{}\": found \"{}\", expected off, error, warning, "
              "info, debug or trace, or AREA=LEVEL, joined by commas",
              spec,
              part)};
    if (has_area)
      levels.by_area[std::string(part.substr(0, equals))] = *level;
    else
      levels.all = *level;
    if (comma == std::string_view::npos)
      break;
    rest.remove_prefix(comma + 1);
  }
  const std::lock_guard lock(state().mutex);
  state().levels = std::move(levels);
  update_ceiling(state());
  return std::string(spec);
}

bool log_enabled(LogLevel level, std::string_view area) {
  if (level > ceiling.load(std::memory_order_relaxed))
    return false;
  const std::lock_guard lock(state().mutex);
  return level <= state().levels.of(area);
}

void log_line(LogLevel level, std::string_view area, std::string_view message) {
  const std::lock_guard lock(state().mutex);
  if (state().sink)
    state().sink({level, area, message});
}

}  // namespace hadal
