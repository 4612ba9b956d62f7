// Keeps background writes below a rate.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace hadal {

// A writer calls wrote() after every piece and is held until the average since
// the pause before is at most the rate. hurry() lets it go at full speed.
class WritePace {
 public:
  // 0: no limit.
  explicit WritePace(int64_t bytes_per_second) : rate_(bytes_per_second) {}

  void wrote(int64_t bytes) {
    if (rate_ <= 0)
      return;
    std::unique_lock lock(mutex_);
    const auto now = Clock::now();
    free_at_ =
        std::max(free_at_, now) +
        std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(
                static_cast<double>(bytes) / static_cast<double>(rate_)));
    wake_.wait_until(lock, free_at_, [this] { return hurried_; });
  }

  void hurry(bool hurried) {
    {
      const std::lock_guard lock(mutex_);
      hurried_ = hurried;
    }
    wake_.notify_all();
  }

 private:
  using Clock = std::chrono::steady_clock;
  const int64_t rate_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Clock::time_point free_at_;
  bool hurried_ = false;
};

}  // namespace hadal
