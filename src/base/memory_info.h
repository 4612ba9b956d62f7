// How much memory there is: for plans, refusals and reports.
#pragma once

#include <cstdint>

namespace hadal {

struct MemoryInfo {
  uint64_t total_bytes = 0;
  // What a new allocation can have without swapping: free memory and the page
  // cache that can be dropped.
  uint64_t available_bytes = 0;
};

// Of this machine, or of the container (cgroup v2) when that has less.
MemoryInfo memory_info();

// The most memory this process has held at once, mapped files included.
uint64_t peak_resident_bytes();

}  // namespace hadal
