// An operation is published through one word, the ticket: its number and how
// many of its ranges are unclaimed. A member claims a range by counting the
// ticket down with compare-and-swap. While a range is unclaimed the operation
// cannot end, so what a member read of it before a successful claim belongs to
// it; a worker that comes late finds no range and waits for the next operation.
// Nobody waits for a member that claimed nothing.
#include "base/thread_team.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "hadal/error.h"

namespace hadal {
namespace {

// An operation's ranges take the lower bits of the ticket.
constexpr int kRangeBits = 24;
constexpr uint64_t kRangeMask = (uint64_t{1} << kRangeBits) - 1;

// How long to spin before sleeping. Longer than the gaps between the operations
// of a step; sleeping and waking costs several microseconds.
constexpr std::chrono::microseconds kSpinTime{50};
constexpr int kSpinsPerLook = 16;  // at the clock

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until done() or until the time is over. Returns done().
template <class Done>
bool spin(std::chrono::microseconds time, const Done& done) {
  using Clock = std::chrono::steady_clock;
  if (done())
    return true;
  if (time.count() == 0)
    return false;
  const Clock::time_point end = Clock::now() + time;
  do {
    for (int i = 0; i < kSpinsPerLook; ++i) {
      if (done())
        return true;
      pause_cpu();
    }
  } while (Clock::now() < end);
  return done();
}

}  // namespace

struct ThreadTeam::State {
  ThreadTeamOptions options;
  std::vector<int> cores;  // to bind members to; empty without pinning
  std::chrono::microseconds spin_time = kSpinTime;
  std::vector<std::thread> workers;
  bool running = false;  // of the caller alone

  alignas(64) std::atomic<uint64_t> ticket{0};
  // The current operation. Atomic because a late worker may read them while
  // they change; it then fails to claim.
  std::atomic<int64_t> count{0};
  std::atomic<int64_t> grain{1};
  std::atomic<int64_t> members{1};
  std::atomic<Function> function{nullptr};
  std::atomic<const void*> body{nullptr};

  alignas(64) std::atomic<uint32_t> unfinished{0};  // ranges
  std::atomic<bool> failed{false};
  std::mutex error_mutex;
  std::exception_ptr error;

  // Sleeping workers wait for a change of `published`.
  alignas(64) std::atomic<uint32_t> published{0};
  std::atomic<uint32_t> sleepers{0};
  std::atomic<bool> stop{false};

  bool has_work() const {
    return (ticket.load(std::memory_order_acquire) & kRangeMask) != 0;
  }

  void run_range(const Job& job, int64_t range, int member) {
    if (failed.load(std::memory_order_relaxed))
      return;
    const WorkSplit split(job.count, job.grain, job.members);
    try {
      job.function(
          job.body, split.begin(range), split.begin(range + 1), member);
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!error)
        error = std::current_exception();
      failed.store(true, std::memory_order_relaxed);
    }
  }

  // Claims and runs ranges until none is left.
  void work(int member) {
    uint32_t done = 0;
    uint64_t seen = ticket.load(std::memory_order_acquire);
    while ((seen & kRangeMask) != 0) {
      const Job job{
          .count = count.load(std::memory_order_relaxed),
          .grain = grain.load(std::memory_order_relaxed),
          .members = members.load(std::memory_order_relaxed),
          .function = function.load(std::memory_order_relaxed),
          .body = body.load(std::memory_order_relaxed)};
      if (!ticket.compare_exchange_weak(
              seen,
              seen - 1,
              std::memory_order_acq_rel,
              std::memory_order_acquire))
        continue;
      const WorkSplit split(job.count, job.grain, job.members);
      const auto left = static_cast<int64_t>(seen & kRangeMask);
      run_range(job, split.ranges() - left, member);
      ++done;
      seen = ticket.load(std::memory_order_acquire);
    }
    if (done > 0 &&
        unfinished.fetch_sub(done, std::memory_order_acq_rel) == done)
      unfinished.notify_one();
  }

  void run_worker(int member) {
    if (!cores.empty())
      bind_thread_to_core(cores[static_cast<size_t>(member) % cores.size()]);
    const ThreadNumaPolicy numa(options.numa);
    while (!stop.load(std::memory_order_acquire)) {
      work(member);
      const auto wanted = [&] {
        return has_work() || stop.load(std::memory_order_relaxed);
      };
      if (spin(spin_time, wanted))
        continue;
      // Announce the sleep, then look again: publish() writes the ticket before
      // it looks for sleepers, so one of the two sees the other.
      const uint32_t before = published.load(std::memory_order_acquire);
      sleepers.fetch_add(1, std::memory_order_seq_cst);
      if ((ticket.load(std::memory_order_seq_cst) & kRangeMask) == 0 &&
          !stop.load(std::memory_order_seq_cst))
        published.wait(before, std::memory_order_acquire);
      sleepers.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  void wake_sleepers() {
    if (sleepers.load(std::memory_order_seq_cst) == 0)
      return;
    published.fetch_add(1, std::memory_order_release);
    published.notify_all();
  }

  void end_workers() {
    stop.store(true, std::memory_order_seq_cst);
    wake_sleepers();
    for (std::thread& worker : workers)
      worker.join();
  }

  void publish(const Job& job, int64_t ranges) {
    count.store(job.count, std::memory_order_relaxed);
    grain.store(job.grain, std::memory_order_relaxed);
    members.store(job.members, std::memory_order_relaxed);
    function.store(job.function, std::memory_order_relaxed);
    body.store(job.body, std::memory_order_relaxed);
    unfinished.store(static_cast<uint32_t>(ranges), std::memory_order_relaxed);
    const uint64_t number =
        ticket.load(std::memory_order_relaxed) >> kRangeBits;
    ticket.store(
        ((number + 1) << kRangeBits) | static_cast<uint64_t>(ranges),
        std::memory_order_seq_cst);
    wake_sleepers();
  }

  // Until all ranges are done. Sleeping soon leaves the core to the very member
  // that is waited for, when that one has lost its own.
  void wait_until_finished() {
    const auto finished = [&] {
      return unfinished.load(std::memory_order_acquire) == 0;
    };
    while (!spin(spin_time, finished)) {
      const uint32_t left = unfinished.load(std::memory_order_acquire);
      if (left != 0)
        unfinished.wait(left, std::memory_order_acquire);
    }
  }
};

ThreadTeam::ThreadTeam(const ThreadTeamOptions& options)
    : state_(std::make_unique<State>()) {
  if (options.threads < 1)
    throw Error(
        ErrorCode::invalid_argument,
        "threads: found " + std::to_string(options.threads) +
            ", expected at least 1");
  State& state = *state_;
  state.options = options;
  if (options.pin)
    state.cores = cores_in_order();
  if (options.threads > available_cores())
    state.spin_time = std::chrono::microseconds(0);
  // Here, where it can be reported; the workers then do the same.
  const ThreadNumaPolicy accepted(options.numa);
  try {
    for (int member = 1; member < options.threads; ++member)
      state.workers.emplace_back(
          [&state, member] { state.run_worker(member); });
  } catch (const std::system_error& error) {
    const size_t started = state.workers.size();
    state.end_workers();
    throw Error(
        ErrorCode::resource,
        "threads: the system gave only " + std::to_string(started + 1) +
            " of " + std::to_string(options.threads) + " (" + error.what() +
            "); ask for fewer");
  }
}

ThreadTeam::~ThreadTeam() {
  state_->end_workers();
}

int ThreadTeam::size() const {
  return state_->options.threads;
}

const ThreadTeamOptions& ThreadTeam::options() const {
  return state_->options;
}

void ThreadTeam::run(const Job& given) {
  if (given.count <= 0)
    return;
  Job job = given;
  State& state = *state_;
  int64_t ranges = WorkSplit(job.count, job.grain, job.members).ranges();
  if (ranges > static_cast<int64_t>(kRangeMask)) {
    job.members = static_cast<int64_t>(kRangeMask) / WorkSplit::kMaxRounds;
    ranges = WorkSplit(job.count, job.grain, job.members).ranges();
  }
  if (state.options.threads == 1 || ranges == 1) {
    job.function(job.body, 0, job.count, 0);
    return;
  }
  HADAL_CHECK(!state.running);
  state.running = true;
  state.publish(job, ranges);
  state.work(0);
  state.wait_until_finished();
  state.running = false;
  if (state.failed.load(std::memory_order_relaxed)) {
    state.failed.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(state.error, nullptr));
  }
}

ThreadTeam::Caller::Caller(const ThreadTeam& team)
    : numa_(team.options().numa) {
  const std::vector<int>& cores = team.state_->cores;
  if (!cores.empty())
    core_ = std::make_unique<BoundThread>(cores.front());
}

}  // namespace hadal
