#include "base/cpu_affinity.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace hadal {

#if defined(__linux__)

namespace {

// The first of the hardware threads that share a physical core with this one.
int first_sibling(int core) {
  std::ifstream file(
      "/sys/devices/system/cpu/cpu" + std::to_string(core) +
      "/topology/thread_siblings_list");
  int first = core;
  return file >> first ? first : core;
}

}  // namespace

struct BoundThread::Mask {
  cpu_set_t cores;
};

int available_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::vector<int> cores_in_order() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0)
    return {};
  std::vector<int> first;
  std::vector<int> second;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &set)) {
      const int sibling = first_sibling(core);
      const bool taken = sibling != core && CPU_ISSET(sibling, &set);
      (taken ? second : first).push_back(core);
    }
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

bool bind_thread_to_core(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

BoundThread::BoundThread(int core) {
  auto old = std::make_unique<Mask>();
  if (sched_getaffinity(0, sizeof(old->cores), &old->cores) == 0 &&
      bind_thread_to_core(core))
    old_ = std::move(old);
}

BoundThread::~BoundThread() {
  if (old_)
    sched_setaffinity(0, sizeof(old_->cores), &old_->cores);
}

#else

struct BoundThread::Mask {};

int available_cores() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::vector<int> cores_in_order() {
  return {};
}

bool bind_thread_to_core(int /*core*/) {
  return false;
}

BoundThread::BoundThread(int /*core*/) {}
BoundThread::~BoundThread() = default;

#endif

}  // namespace hadal
