// The one pool of threads that runs the kernels of one executor.
#pragma once

#include <cstdint>
#include <memory>

#include "base/cpu_affinity.h"
#include "base/numa_policy.h"
#include "base/work_split.h"

namespace hadal {

struct ThreadTeamOptions {
  int threads = 1;
  bool pin = false;      // a core of its own for every member
  NumaPolicy numa = {};  // where the members' new pages are placed
};

// A fixed team: the calling thread is member 0, `threads - 1` workers are the
// others. Work is cut into ranges that members claim when they are free, so
// that a member without a core (another process has it) delays an operation by
// at most the range it is in. Which member gets which range differs from run to
// run: a kernel's result must depend on neither (the invariance law).
//
// Workers spin for some microseconds after an operation, since the next one
// usually follows at once, and then sleep; with more threads than cores they
// sleep at once. Used by one thread at a time; an operation must not start
// another on the same team.
class ThreadTeam {
 public:
  // Throws Error(invalid_argument) for less than one thread, and what
  // set_thread_numa_policy throws.
  explicit ThreadTeam(const ThreadTeamOptions& options);
  explicit ThreadTeam(int threads)
      : ThreadTeam(ThreadTeamOptions{.threads = threads}) {}
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const;
  const ThreadTeamOptions& options() const;

  // Calls body(begin, end, member) on disjoint ranges that cover [0, count),
  // each a multiple of `grain` long except the last, a member at most one at a
  // time but perhaps several in a row (work_split.h). Returns when all are
  // done. The first exception of a member is rethrown here; ranges that nobody
  // had begun by then are left out.
  template <class Body>
  void parallel_for(int64_t count, int64_t grain, const Body& body) {
    run({
        .count = count,
        .grain = grain,
        .members = size(),
        .function =
            [](const void* context, int64_t begin, int64_t end, int member) {
              (*static_cast<const Body*>(context))(begin, end, member);
            },
        .body = &body,
    });
  }

  // Calls body(item, member) once for every item in [0, items), claimed one by
  // one in increasing order: for pieces of uneven size, the large ones first.
  template <class Body>
  void for_each(int64_t items, const Body& body) {
    run({
        .count = items,
        .grain = 1,
        .members = items,
        .function =
            [](const void* context, int64_t begin, int64_t end, int member) {
              for (int64_t item = begin; item < end; ++item)
                (*static_cast<const Body*>(context))(item, member);
            },
        .body = &body,
    });
  }

  // While it lives, the calling thread has what the options give to member 0: a
  // core when they pin, and the memory policy. For the time of a run.
  class Caller {
   public:
    explicit Caller(const ThreadTeam& team);

   private:
    std::unique_ptr<BoundThread> core_;
    ThreadNumaPolicy numa_;
  };

 private:
  using Function = void (*)(const void*, int64_t, int64_t, int);
  struct Job {
    int64_t count;
    int64_t grain;
    int64_t members;  // of the split
    Function function;
    const void* body;
  };
  void run(const Job& job);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal
