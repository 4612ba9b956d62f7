#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch_times.h"

namespace hadal::cuda {
namespace {

// A stream holds about a thousand entries before the host has to wait.
constexpr size_t kLaunchesAtOnce = 400;
constexpr int64_t kHostNanoseconds = 12'000;  // a launch and its event, amply

struct Watch {
  bool on = false;
  std::map<const void*, LaunchTime> times;
};

Watch& watch() {
  static Watch the_watch;
  return the_watch;
}

__global__ void pass_time(int64_t nanoseconds) {
  int64_t start = 0;
  int64_t now = 0;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(start));
  do
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
  while (now - start < nanoseconds);
}

class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "making an event"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record() { check(cudaEventRecord(event_, stream()), "taking a time"); }
  double seconds_since(const Event& before) const {
    float milliseconds = 0;
    check(
        cudaEventElapsedTime(&milliseconds, before.event_, event_),
        "taking a time");
    return milliseconds / 1e3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

// Where the parameters begin: the parenthesis that the last one closes. Those
// before it belong to template arguments.
size_t parameters_begin(const std::string& name) {
  int open = 0;
  for (size_t i = name.size(); i-- > 0;) {
    open += name[i] == ')' ? 1 : name[i] == '(' ? -1 : 0;
    if (open == 0)
      return i;
  }
  return name.size();
}

// Of "void hadal::(anonymous namespace)::rows<(hadal::Form)2>(hadal::Params)":
// "rows<(Form)2>".
std::string short_name(const void* kernel) {
  const char* mangled = nullptr;
  if (cudaFuncGetName(&mangled, kernel) != cudaSuccess)
    return "a kernel";
  char* const whole = abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr);
  std::string name = whole != nullptr ? whole : mangled;
  std::free(whole);
  if (name.ends_with(')'))
    name.erase(parameters_begin(name));
  for (const std::string inside :
       {"void ", "hadal::cuda::", "hadal::", "(anonymous namespace)::"})
    for (size_t at = name.find(inside); at != std::string::npos;
         at = name.find(inside))
      name.erase(at, inside.size());
  return name;
}

void start_some(const LaunchList& list, size_t first, size_t end) {
  std::vector<Event> ends(end - first + 1);
  pass_time<<<1, 1, 0, stream()>>>(
      static_cast<int64_t>(end - first) * kHostNanoseconds);
  ends[0].record();
  for (size_t i = first; i < end; ++i) {
    start_kernel(list.shape(i), list.kernel(i), list.arguments(i));
    ends[i - first + 1].record();
  }
  check(cudaStreamSynchronize(stream()), "running kernels");
  for (size_t i = first; i < end; ++i) {
    LaunchTime& time = watch().times[list.kernel(i)];
    ++time.launches;
    time.seconds += ends[i - first + 1].seconds_since(ends[i - first]);
  }
}

}  // namespace

void watch_launches() {
  watch() = {.on = true, .times = {}};
}

bool launches_are_watched() {
  return watch().on;
}

std::vector<LaunchTime> take_launch_times() {
  std::vector<LaunchTime> all;
  for (auto& [kernel, time] : watch().times) {
    time.kernel = short_name(kernel);
    all.push_back(time);
  }
  watch() = {};
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.seconds > b.seconds;
  });
  return all;
}

void start_watched(const LaunchList& list) {
  for (size_t first = 0; first < list.size(); first += kLaunchesAtOnce)
    start_some(list, first, std::min(list.size(), first + kLaunchesAtOnce));
}

}  // namespace hadal::cuda
