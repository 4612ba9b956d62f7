// Times of something that is done again and again.
#pragma once

#include <functional>
#include <stop_token>

namespace hadal {

struct Timing {
  double seconds = 0;  // of one run: the median
  double spread = 0;   // (90th - 10th percentile) / median
  int runs = 0;
  double others = 0;  // see OthersWatch
};

// Runs for about `seconds`, at least three times; once is enough when a run
// takes five times as long. The caller warms up. Throws Error(cancelled) when
// stop was requested between runs.
Timing measure(
    double seconds,
    const std::stop_token& stop,
    const std::function<void()>& run);

}  // namespace hadal
