// From pieces of the host's memory, mapped files above all, to one block of a
// device's memory at the speed of the link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>

namespace hadal {

// `bytes` > 0 of the host go to the block's byte `at`.
struct CopySegment {
  const std::byte* from = nullptr;
  int64_t bytes = 0;
  int64_t at = 0;
};

// One worker's buffers, which the device reads without the processor, and its
// queue of copies. Made and used by one thread; its destruction waits for what
// is under way.
class CopyLane {
 public:
  static constexpr int kSlots = 2;
  static constexpr int64_t kSlotBytes = int64_t{4} << 20;

  virtual ~CopyLane() = default;
  // [kSlotBytes]
  virtual std::byte* buffer(int slot) = 0;
  // Begins to copy the slot's first bytes to the block's byte `at`.
  virtual void start(int slot, int64_t at, int64_t bytes) = 0;
  // Until the slot may be filled again.
  virtual void wait(int slot) = 0;
};

struct CopyHooks {
  // Called by the thread that called copy_staged, some times a second.
  std::function<void(uint64_t done, uint64_t total)> on_progress;
  std::stop_token stop;
};

// Copies all segments, which are sorted by `at` and do not overlap. Up to
// `threads` workers each fill one slot while the device empties their other.
// What lies between segments is undefined afterwards. Throws Error(cancelled)
// on a stop and what the lanes throw; then the block's contents are undefined.
void copy_staged(
    std::span<const CopySegment> segments,
    int threads,
    const std::function<std::unique_ptr<CopyLane>()>& make_lane,
    const CopyHooks& hooks);

}  // namespace hadal
