// Workers spin for a few microseconds after an operation, since the next one
// usually follows at once, and then sleep on the epoch counter.
#include "base/thread_team.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hadal/error.h"

namespace hadal {
namespace {

constexpr int kSpins = 2000;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until `value` differs from `old`: spins briefly, then sleeps.
void wait_while_equal(const std::atomic<uint64_t>& value, uint64_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old)
      return;
    pause_cpu();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

struct ThreadTeam::State {
  int size = 1;
  std::vector<std::thread> workers;
  alignas(64) std::atomic<uint64_t> epoch{0};
  alignas(64) std::atomic<uint64_t> remaining{0};
  std::atomic<bool> stop{false};

  // The operation of the current epoch.
  int64_t count = 0;
  int64_t grain = 1;
  Function function = nullptr;
  const void* body = nullptr;

  std::mutex error_mutex;
  std::exception_ptr error;

  void run_member(int member) {
    const int64_t grains = (count + grain - 1) / grain;
    const int64_t begin = std::min(count, grains * member / size * grain);
    const int64_t end = std::min(count, grains * (member + 1) / size * grain);
    if (begin >= end)
      return;
    try {
      function(body, begin, end, member);
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!error)
        error = std::current_exception();
    }
  }

  void work(int member) {
    uint64_t seen = 0;
    while (true) {
      wait_while_equal(epoch, seen);
      ++seen;
      if (stop.load(std::memory_order_relaxed))
        return;
      run_member(member);
      if (remaining.fetch_sub(1, std::memory_order_acq_rel) == 1)
        remaining.notify_one();
    }
  }
};

ThreadTeam::ThreadTeam(int threads) : state_(std::make_unique<State>()) {
  if (threads < 1)
    throw Error(
        ErrorCode::invalid_argument,
        "threads: found " + std::to_string(threads) + ", expected at least 1");
  state_->size = threads;
  for (int member = 1; member < threads; ++member)
    state_->workers.emplace_back([this, member] { state_->work(member); });
}

ThreadTeam::~ThreadTeam() {
  state_->stop = true;
  state_->epoch.fetch_add(1, std::memory_order_release);
  state_->epoch.notify_all();
  for (std::thread& worker : state_->workers)
    worker.join();
}

int ThreadTeam::size() const {
  return state_->size;
}

void ThreadTeam::run(
    int64_t count, int64_t grain, Function function, const void* body) {
  if (count <= 0)
    return;
  if (state_->size == 1 || count <= grain) {
    function(body, 0, count, 0);
    return;
  }
  State& state = *state_;
  state.count = count;
  state.grain = grain;
  state.function = function;
  state.body = body;
  state.remaining.store(
      static_cast<uint64_t>(state.size - 1), std::memory_order_relaxed);
  state.epoch.fetch_add(1, std::memory_order_release);
  state.epoch.notify_all();
  state.run_member(0);
  for (uint64_t left = state.remaining.load(std::memory_order_acquire);
       left != 0;
       left = state.remaining.load(std::memory_order_acquire))
    wait_while_equal(state.remaining, left);
  if (state.error) {
    const std::exception_ptr error = std::exchange(state.error, nullptr);
    std::rethrow_exception(error);
  }
}

int available_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace hadal
