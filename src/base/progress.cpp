#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/readable.h"

namespace hadal {
namespace {

constexpr auto kFirstDraw = std::chrono::milliseconds(300);
constexpr auto kBetweenDraws = std::chrono::milliseconds(100);

int terminal_columns() {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return 80;
  return size.ws_col;
}

std::string amount(double value, ProgressUnit unit) {
  if (unit == ProgressUnit::tokens)
    return value < 10 ? fmt::format("{:.1f}", value)
                      : grouped(static_cast<int64_t>(value));
  return readable_bytes(static_cast<uint64_t>(value));
}

std::string clock_time(double seconds) {
  const auto s = static_cast<int64_t>(seconds + 0.5);
  if (s >= 3600)
    return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace

std::string progress_line(
    const std::string& label,
    ProgressUnit unit,
    int64_t done,
    int64_t total,
    double seconds,
    int columns) {
  total = std::max<int64_t>(total, 1);
  done = std::clamp<int64_t>(done, 0, total);
  const double share = static_cast<double>(done) / static_cast<double>(total);
  const std::string head =
      fmt::format("{} {:3}%", label, static_cast<int>(share * 100));

  std::string tail =
      unit == ProgressUnit::tokens
          ? fmt::format("{}/{} tokens", grouped(done), grouped(total))
          : fmt::format(
                "{} of {}",
                amount(static_cast<double>(done), unit),
                amount(static_cast<double>(total), unit));
  if (done > 0 && seconds > 0) {
    const double rate = static_cast<double>(done) / seconds;
    tail += fmt::format("  {}/s", amount(rate, unit));
    if (done < total)
      tail += fmt::format(
          "  {} left", clock_time(static_cast<double>(total - done) / rate));
  }

  const int room =
      columns - 1 - static_cast<int>(head.size() + tail.size()) - 4;
  if (room < 8)
    return (head + " " + tail).substr(0, static_cast<size_t>(columns - 1));
  const int width = std::min(room, 40);
  const int full = static_cast<int>(share * width);
  std::string bar(static_cast<size_t>(full), '=');
  if (full < width)
    bar += '>';
  bar.resize(static_cast<size_t>(width), ' ');
  return fmt::format("{} [{}] {}", head, bar, tail);
}

Progress::Progress(std::string label, ProgressUnit unit)
    : label_(std::move(label)),
      unit_(unit),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      next_draw_(start_ + kFirstDraw) {}

Progress::~Progress() {
  finish();
}

void Progress::update(int64_t done, int64_t total, std::string_view detail) {
  const Clock::time_point now = Clock::now();
  if (!terminal_ || now < next_draw_)
    return;
  next_draw_ = now + kBetweenDraws;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  // \x1b[K clears what a longer line left behind.
  const std::string line =
      "\r" +
      progress_line(
          detail.empty() ? label_ : label_ + " " + std::string(detail),
          unit_,
          done,
          total,
          seconds,
          terminal_columns()) +
      "\x1b[K";
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

void Progress::finish() {
  if (!drawn_)
    return;
  drawn_ = false;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

}  // namespace hadal
