// On which memory node new pages are placed.
//
// A page is placed when it is first touched: one of our own memory by the
// policy of its range or of the thread that touches it, one of a mapped file
// when a thread reads it in. Pages that the file cache already holds stay where
// they are.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

struct NumaPolicy {
  enum class Mode {
    off,         // the system's: beside the thread that touches a page first
    interleave,  // round robin over all nodes: every core reads from all
    bind,        // on one node
  };
  Mode mode = Mode::off;
  int node = 0;  // of bind

  friend bool operator==(const NumaPolicy&, const NumaPolicy&) = default;
};

// "off", "interleave", "bind:N"; empty counts as off. Throws
// Error(invalid_argument).
NumaPolicy parse_numa_policy(std::string_view text);
std::string to_string(const NumaPolicy& policy);

// The nodes with memory, in increasing order; {0} where the system has no
// notion of nodes.
std::vector<int> numa_nodes();

// Sets the policy of the calling thread. Throws Error(unsupported) where the
// kernel refuses, Error(invalid_argument) when there is no such node.
// `interleave` on a machine with one node cannot fail: there is nothing to do.
void set_thread_numa_policy(const NumaPolicy& policy);

// The same for pages of [data, data + bytes) that are not touched yet.
// `data` is the start of a page.
void set_memory_numa_policy(const NumaPolicy& policy, void* data, size_t bytes);

// Sets the policy of the calling thread while it lives, then restores the one
// before. Throws like set_thread_numa_policy. Must be destroyed by the thread
// that made it.
class ThreadNumaPolicy {
 public:
  explicit ThreadNumaPolicy(const NumaPolicy& policy);
  ~ThreadNumaPolicy();
  ThreadNumaPolicy(const ThreadNumaPolicy&) = delete;
  ThreadNumaPolicy& operator=(const ThreadNumaPolicy&) = delete;

 private:
  struct Old;
  std::unique_ptr<Old> old_;  // null when nothing was changed
};

}  // namespace hadal
