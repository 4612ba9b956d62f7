// A progress bar on the terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace hadal {

enum class ProgressUnit { tokens, bytes };

// The text of a bar that fits into `columns`, for example
//   reading prompt  42% [=====>      ] 1,200/2,857 tokens  812/s  0:02 left
std::string progress_line(
    const std::string& label,
    ProgressUnit unit,
    int64_t done,
    int64_t total,
    double seconds,
    int columns);

// Draws on stderr when that is a terminal, and is silent otherwise. Appears
// only after a short delay, redraws a few times a second, and leaves no trace
// when it ends. Used by one thread.
class Progress {
 public:
  Progress(std::string label, ProgressUnit unit);
  ~Progress();  // finish()
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `detail` follows the label: what is being worked on.
  void update(int64_t done, int64_t total, std::string_view detail = {});
  // Erases the bar; later updates draw it anew.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_;
  ProgressUnit unit_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point next_draw_;
};

}  // namespace hadal
