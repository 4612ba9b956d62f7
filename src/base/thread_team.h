// The one pool of threads that runs the kernels of one executor.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace hadal {

// A fixed team: the calling thread is member 0, `threads - 1` workers are the
// others. Work is split by index ranges that depend on `count` and the number
// of threads only; a kernel's result must not depend on the split (the
// invariance law). Used by one thread at a time.
class ThreadTeam {
 public:
  // threads >= 1. Throws Error(invalid_argument) otherwise.
  explicit ThreadTeam(int threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const;

  // Calls body(begin, end, member) on disjoint ranges that cover [0, count),
  // at most one range a member, each a multiple of `grain` long except the
  // last. Returns when all are done. An exception of a member is rethrown here.
  template <class Body>
  void parallel_for(int64_t count, int64_t grain, const Body& body) {
    run(
        count,
        grain,
        [](const void* context, int64_t begin, int64_t end, int member) {
          (*static_cast<const Body*>(context))(begin, end, member);
        },
        &body);
  }

 private:
  using Function = void (*)(const void*, int64_t, int64_t, int);
  void run(int64_t count, int64_t grain, Function function, const void* body);

  struct State;
  std::unique_ptr<State> state_;
};

// The number of cores this process may use (its affinity mask).
int available_cores();

}  // namespace hadal
