#include "bench/machine.h"

#include <sys/resource.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/memory_info.h"
#include "base/thread_team.h"

namespace hadal {
namespace {

bool may_use(int core) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return core < CPU_SETSIZE && CPU_ISSET(static_cast<size_t>(core), &set);
#endif
  return core >= 0;
}

// Time in which our cores did anything, from the lines "cpuN user nice system
// idle iowait irq softirq steal" of /proc/stat; 0 when there is no such file.
double busy_seconds() {
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream file("/proc/stat");
  double busy = 0;
  std::string line;
  while (std::getline(file, line) && line.starts_with("cpu")) {
    if (line.size() < 4 || line[3] < '0' || line[3] > '9')
      continue;
    std::istringstream fields(line.substr(3));
    int core = 0;
    double times[8] = {};
    fields >> core;
    for (double& time : times)
      fields >> time;
    if (may_use(core))
      busy += times[0] + times[1] + times[2] + times[5] + times[6] + times[7];
  }
  return busy / ticks;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_usec) * 1e-6;
}

double own_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  return "unknown";
}

}  // namespace

MachineInfo examine_machine() {
  MachineInfo info{
      .processor = processor_name(),
      .cores = available_cores(),
      .memory_bytes = memory_info().total_bytes};
  if (getloadavg(&info.load, 1) != 1)
    info.load = 0;
  return info;
}

OthersWatch::OthersWatch()
    : busy_seconds_(busy_seconds()),
      own_seconds_(own_seconds()),
      start_(std::chrono::steady_clock::now()) {}

double OthersWatch::share() const {
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_)
          .count();
  const double others =
      (busy_seconds() - busy_seconds_) - (own_seconds() - own_seconds_);
  if (elapsed <= 0)
    return 0;
  return std::clamp(others / (elapsed * available_cores()), 0.0, 1.0);
}

}  // namespace hadal
