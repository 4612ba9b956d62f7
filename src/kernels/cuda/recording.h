// Launches that were written down, and the graphs made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/launch.h"

namespace hadal::cuda {

// Puts one kernel into stream(). Throws Error(internal).
void start_kernel(
    const LaunchShape& shape, const void* kernel, void* const* arguments);

// Launches in their order, arguments included.
class LaunchList {
 public:
  void add(const LaunchShape& shape, const LaunchArguments& what);
  void clear();
  size_t size() const { return launches_.size(); }
  bool empty() const { return launches_.empty(); }

  const LaunchShape& shape(size_t launch) const {
    return launches_[launch].shape;
  }
  const void* kernel(size_t launch) const { return launches_[launch].kernel; }
  // A pointer to each argument; valid until the next call.
  void** arguments(size_t launch) const;

  // Do the same kernels come in the same order, with blocks of the same size?
  // Then a graph of one can be made to run the other.
  bool same_kernels(const LaunchList& other) const;
  // Launch `launch` to the last byte.
  bool same_launch(const LaunchList& other, size_t launch) const;

  // Puts all into stream(), one by one.
  void start() const;

 private:
  struct Recorded {
    const void* kernel;
    LaunchShape shape;
    size_t first_argument;
    size_t arguments;
    size_t first_byte;
    size_t bytes;
  };
  std::vector<Recorded> launches_;
  std::vector<size_t> offsets_;  // of every argument, in bytes_
  std::vector<std::byte> bytes_;
  mutable std::vector<void*> pointers_;
};

// Graphs of the passes that come again and again.
class GraphCache {
 public:
  GraphCache();
  ~GraphCache();

  // Runs `list` as a graph and returns true, or returns false when it has not
  // been met before; the third time there will be one. Between two runs of a
  // graph only those launches are changed whose arguments or grids differ.
  bool start(const LaunchList& list);

 private:
  struct Graph;
  std::vector<std::unique_ptr<Graph>> graphs_;  // the latest used first
  LaunchList candidate_;                        // the last one without a graph
};

}  // namespace hadal::cuda
