#include "base/memory_info.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace hadal {
namespace {

// The number behind `key` in a file of "key value" lines.
std::optional<uint64_t> value_of(
    const std::string& path, std::string_view key) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    uint64_t value = 0;
    if (word == key && file >> value)
      return value;
  }
  return std::nullopt;
}

std::optional<uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (file >> value)
    return value;
  return std::nullopt;  // absent, or the word "max"
}

// The folder of this process's control group, "" when there is none.
std::string control_group() {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with("0::"))
      return "/sys/fs/cgroup" + line.substr(3);
  return "";
}

// A group may hold less than the machine has; so may each group above it.
void narrow_to_control_groups(MemoryInfo& info) {
  std::string group = control_group();
  while (group.size() >= std::string_view("/sys/fs/cgroup").size()) {
    const auto limit = number_in(group + "/memory.max");
    const auto used = number_in(group + "/memory.current");
    if (limit && used) {
      const uint64_t cache =
          value_of(group + "/memory.stat", "active_file").value_or(0) +
          value_of(group + "/memory.stat", "inactive_file").value_or(0);
      const uint64_t held = *used - std::min(*used, cache);
      info.total_bytes = std::min(info.total_bytes, *limit);
      info.available_bytes =
          std::min(info.available_bytes, *limit - std::min(*limit, held));
    }
    group.resize(group.rfind('/'));
  }
}

}  // namespace

MemoryInfo memory_info() {
  MemoryInfo info;
  const auto total = value_of("/proc/meminfo", "MemTotal:");
  const auto available = value_of("/proc/meminfo", "MemAvailable:");
  if (total && available) {
    info = {*total * 1024, *available * 1024};
    narrow_to_control_groups(info);
    return info;
  }
  info.total_bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                     static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  info.available_bytes = info.total_bytes;
  return info;
}

uint64_t peak_resident_bytes() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
#if defined(__APPLE__)
  return static_cast<uint64_t>(usage.ru_maxrss);
#else
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
#endif
}

}  // namespace hadal
