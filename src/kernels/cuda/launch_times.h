// How long each kernel of a pass takes: a tool for finding where time goes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cuda/recording.h"

namespace hadal::cuda {

// All launches of one kernel.
struct LaunchTime {
  std::string kernel;  // without namespaces and parameters
  int64_t launches = 0;
  double seconds = 0;  // from the end of the launch before to its own end
};

// Between watch_launches() and take_launch_times() passes run launch by launch
// instead of as graphs, with an event after each; nothing overlaps.
void watch_launches();
bool launches_are_watched();
// By decreasing time; ends the watch.
std::vector<LaunchTime> take_launch_times();

// Starts the launches of a pass and takes their times. The GPU waits until the
// host has put them into the stream, so its own pace is measured.
void start_watched(const LaunchList& list);

}  // namespace hadal::cuda
