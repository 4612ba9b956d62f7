#include "bench/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "bench/machine.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr size_t kLeastRuns = 3;
constexpr double kLongRun = 5;  // as a multiple of the time asked for

double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Of sorted values; between two of them in proportion.
double percentile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = at - std::floor(at);
  return sorted[below] * (1 - weight) + sorted[above] * weight;
}

}  // namespace

Timing measure(
    double seconds,
    const std::stop_token& stop,
    const std::function<void()>& run) {
  const auto check = [&stop] {
    if (stop.stop_requested())
      throw Error(ErrorCode::cancelled, "stopped");
  };
  const OthersWatch watch;
  std::vector<double> times;
  const double start = now();
  double last = start;
  while (last - start < seconds ||
         (times.size() < kLeastRuns && last - start < kLongRun * seconds)) {
    check();
    const double begin = now();
    run();
    last = now();
    times.push_back(last - begin);
  }
  std::sort(times.begin(), times.end());
  Timing timing;
  timing.seconds = percentile(times, 0.5);
  timing.spread =
      (percentile(times, 0.9) - percentile(times, 0.1)) / timing.seconds;
  timing.runs = static_cast<int>(times.size());
  timing.others = watch.share();
  return timing;
}

}  // namespace hadal
