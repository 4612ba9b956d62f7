#include "executor/staged_copy.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "hadal/error.h"

namespace hadal {
namespace {

constexpr auto kBetweenReports = std::chrono::milliseconds(50);

// Maps the pages of a file at once where the system can, rather than one by
// one at the first touch. Only a hint: what cannot be read fails later.
void map_pages(const std::byte* from, int64_t bytes) {
#ifdef MADV_POPULATE_READ
  static const auto kPage = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<uintptr_t>(from) / kPage * kPage;
  const auto end = reinterpret_cast<uintptr_t>(from) + bytes;
  ::madvise(reinterpret_cast<void*>(first), end - first, MADV_POPULATE_READ);
#else
  static_cast<void>(from);
  static_cast<void>(bytes);
#endif
}

// What the workers share. A piece is kSlotBytes of the block.
class Work {
 public:
  explicit Work(std::span<const CopySegment> segments) : segments_(segments) {}

  int64_t pieces() const {
    return segments_.empty() ? 0
                             : (segments_.back().at + segments_.back().bytes +
                                CopyLane::kSlotBytes - 1) /
                                   CopyLane::kSlotBytes;
  }
  // The next piece to copy, or -1: nothing is left, or nobody should go on.
  int64_t next() {
    const int64_t piece = next_.fetch_add(1);
    return stopped_ || piece >= pieces() ? -1 : piece;
  }
  void stop() { stopped_ = true; }

  // Fills `buffer` with the piece's segments; returns the bytes from the
  // piece's beginning to the last one's end.
  int64_t gather(int64_t piece, std::byte* buffer) {
    const int64_t first = piece * CopyLane::kSlotBytes;
    const int64_t end = first + CopyLane::kSlotBytes;
    auto segment = std::upper_bound(
        segments_.begin(),
        segments_.end(),
        first,
        [](int64_t at, const CopySegment& one) {
          return at < one.at + one.bytes;
        });
    int64_t filled = 0;
    for (; segment != segments_.end() && segment->at < end; ++segment) {
      const int64_t begin = std::max(first, segment->at);
      const int64_t bytes = std::min(end, segment->at + segment->bytes) - begin;
      const std::byte* const from = segment->from + (begin - segment->at);
      map_pages(from, bytes);
      std::memcpy(buffer + (begin - first), from, static_cast<size_t>(bytes));
      filled = begin + bytes - first;
      done_ += static_cast<uint64_t>(bytes);
    }
    return filled;
  }

  uint64_t done() const { return done_; }

 private:
  std::span<const CopySegment> segments_;
  std::atomic<int64_t> next_{0};
  std::atomic<uint64_t> done_{0};
  std::atomic<bool> stopped_{false};
};

// Goes through pieces until none is left.
void work_off(Work& work, CopyLane& lane) {
  for (int slot = 0;; slot = (slot + 1) % CopyLane::kSlots) {
    const int64_t piece = work.next();
    if (piece < 0)
      break;
    lane.wait(slot);
    const int64_t bytes = work.gather(piece, lane.buffer(slot));
    lane.start(slot, piece * CopyLane::kSlotBytes, bytes);
  }
  for (int slot = 0; slot < CopyLane::kSlots; ++slot)
    lane.wait(slot);
}

// Threads at work, and how they fare.
class Workers {
 public:
  Workers(
      Work& work,
      int threads,
      const std::function<std::unique_ptr<CopyLane>()>& make_lane)
      : work_(work), running_(threads) {
    for (int i = 0; i < threads; ++i)
      threads_.emplace_back([this, &make_lane] { run(make_lane); });
  }
  ~Workers() {
    work_.stop();
    for (std::thread& thread : threads_)
      thread.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // True when all have ended; false after a while.
  bool wait() {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(
        lock, kBetweenReports, [this] { return running_ == 0; });
  }
  // What the first that failed threw.
  void rethrow() {
    const std::lock_guard lock(mutex_);
    if (failure_)
      std::rethrow_exception(failure_);
  }

 private:
  void run(const std::function<std::unique_ptr<CopyLane>()>& make_lane) {
    std::exception_ptr failure;
    try {
      const std::unique_ptr<CopyLane> lane = make_lane();
      work_off(work_, *lane);
    } catch (...) {
      failure = std::current_exception();
      work_.stop();
    }
    const std::lock_guard lock(mutex_);
    if (failure && !failure_)
      failure_ = failure;
    --running_;
    ended_.notify_all();
  }

  Work& work_;
  std::mutex mutex_;
  std::condition_variable ended_;
  int running_;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace

void copy_staged(
    std::span<const CopySegment> segments,
    int threads,
    const std::function<std::unique_ptr<CopyLane>()>& make_lane,
    const CopyHooks& hooks) {
  uint64_t total = 0;
  for (const CopySegment& segment : segments)
    total += static_cast<uint64_t>(segment.bytes);
  Work work(segments);
  Workers workers(
      work,
      static_cast<int>(std::min(std::max<int64_t>(threads, 1), work.pieces())),
      make_lane);
  bool stopped = false;
  while (!workers.wait()) {
    if (hooks.on_progress)
      hooks.on_progress(work.done(), total);
    if (hooks.stop.stop_requested()) {
      stopped = true;
      work.stop();
    }
  }
  workers.rethrow();
  if (stopped)
    throw Error(ErrorCode::cancelled, "stopped");
  if (hooks.on_progress)
    hooks.on_progress(total, total);
}

}  // namespace hadal
