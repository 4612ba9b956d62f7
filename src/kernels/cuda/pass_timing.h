// The time of calls that are replayed as one graph, as in a decode step: for
// the benchmarks.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"

namespace hadal::cuda {

class TimedEvent {
 public:
  TimedEvent() { check(cudaEventCreate(&event_), "an event"); }
  ~TimedEvent() { cudaEventDestroy(event_); }
  TimedEvent(const TimedEvent&) = delete;
  TimedEvent& operator=(const TimedEvent&) = delete;
  void record() const { check(cudaEventRecord(event_, stream()), "an event"); }
  double seconds_since(const TimedEvent& begin) const {
    check(cudaEventSynchronize(event_), "running a kernel");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin.event_, event_), "a time");
    return milliseconds / 1e3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

// Median seconds of one of `count` calls.
template <class Call>
double seconds_of(int count, const Call& call) {
  const TimedEvent begin;
  const TimedEvent end;
  std::vector<double> times;
  constexpr int kWarmUp = 4;  // a pass is a graph from the third time on
  constexpr int kPasses = 7;
  for (int pass = 0; pass < kWarmUp + kPasses; ++pass) {
    begin_recording(true);
    for (int i = 0; i < count; ++i)
      call(i);
    begin.record();
    flush_recording();
    end.record();
    end_recording();
    if (pass >= kWarmUp)
      times.push_back(end.seconds_since(begin) / count);
  }
  std::nth_element(times.begin(), times.begin() + kPasses / 2, times.end());
  return times[kPasses / 2];
}

}  // namespace hadal::cuda
