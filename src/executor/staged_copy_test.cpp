// Copies into ordinary memory that plays the device.
#include "executor/staged_copy.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "hadal/error.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kSlot = CopyLane::kSlotBytes;

struct FakeDevice {
  std::vector<std::byte> block;
  std::atomic<int> copies{0};
  int fails_at = -1;  // the copy that throws
};

// Copies only when it is waited for, so that a slot that is filled too early
// is noticed.
class LateLane : public CopyLane {
 public:
  explicit LateLane(FakeDevice& device) : device_(device) {
    for (auto& slot : slots_)
      slot.resize(kSlot);
  }
  std::byte* buffer(int slot) override {
    return slots_[static_cast<size_t>(slot)].data();
  }
  void start(int slot, int64_t at, int64_t bytes) override {
    if (device_.copies++ == device_.fails_at)
      throw Error(ErrorCode::internal, "the link broke");
    pending_[slot] = {at, bytes};
  }
  void wait(int slot) override {
    const auto [at, bytes] = pending_[slot];
    std::memcpy(
        device_.block.data() + at, buffer(slot), static_cast<size_t>(bytes));
    pending_[slot] = {};
  }

 private:
  FakeDevice& device_;
  std::vector<std::byte> slots_[kSlots];
  std::pair<int64_t, int64_t> pending_[kSlots];
};

struct Source {
  std::vector<std::vector<std::byte>> pieces;
  std::vector<CopySegment> segments;
  int64_t end = 0;

  void add(int64_t bytes) {
    RandomNumbers random(pieces.size() + 1);
    std::vector<std::byte>& piece = pieces.emplace_back(bytes);
    for (int64_t i = 0; i < bytes; i += 97)
      piece[static_cast<size_t>(i)] = static_cast<std::byte>(random.bits());
    segments.push_back({piece.data(), bytes, end});
    end = (end + bytes + 255) / 256 * 256;
  }
};

Source sample() {
  Source source;
  source.pieces.reserve(16);
  for (const int64_t bytes :
       {int64_t{1},
        int64_t{300},
        3 * kSlot + 5,
        int64_t{256},
        kSlot,
        2 * kSlot - 1000,
        int64_t{77}})
    source.add(bytes);
  return source;
}

TEST(StagedCopy, BringsEveryByteToItsPlace) {
  const Source source = sample();
  for (const int threads : {1, 3, 64}) {
    FakeDevice device{.block = std::vector<std::byte>(source.end)};
    uint64_t last = 0;
    uint64_t all = 0;
    copy_staged(
        source.segments,
        threads,
        [&] { return std::make_unique<LateLane>(device); },
        {.on_progress = [&](uint64_t done, uint64_t total) {
          EXPECT_LE(last, done);
          last = done;
          all = total;
        }});
    for (const CopySegment& one : source.segments)
      EXPECT_EQ(
          std::memcmp(
              one.from,
              device.block.data() + one.at,
              static_cast<size_t>(one.bytes)),
          0)
          << threads << " " << one.at;
    EXPECT_EQ(last, all);
    EXPECT_GT(all, 5 * static_cast<uint64_t>(kSlot));
  }
}

TEST(StagedCopy, NothingIsNothing) {
  copy_staged({}, 4, [] { return nullptr; }, {});
}

TEST(StagedCopy, TheFirstFailureEndsIt) {
  const Source source = sample();
  FakeDevice device{.block = std::vector<std::byte>(source.end), .fails_at = 2};
  try {
    copy_staged(
        source.segments,
        2,
        [&] { return std::make_unique<LateLane>(device); },
        {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the link broke");
  }
}

TEST(StagedCopy, ALaneThatCannotBeMadeEndsIt) {
  const Source source = sample();
  const auto none = []() -> std::unique_ptr<CopyLane> {
    throw Error(ErrorCode::resource, "no pinned memory");
  };
  EXPECT_THROW(copy_staged(source.segments, 3, none, {}), Error);
}

TEST(StagedCopy, StopsWhenAsked) {
  const Source source = sample();
  FakeDevice device{.block = std::vector<std::byte>(source.end)};
  std::stop_source stop;
  // A lane that waits for the stop, so that the copy cannot end before it.
  class WaitingLane : public LateLane {
   public:
    WaitingLane(FakeDevice& device, std::stop_token token)
        : LateLane(device), token_(std::move(token)) {}
    void wait(int slot) override {
      while (!token_.stop_requested())
        std::this_thread::yield();
      LateLane::wait(slot);
    }

   private:
    std::stop_token token_;
  };
  try {
    copy_staged(
        source.segments,
        1,
        [&] { return std::make_unique<WaitingLane>(device, stop.get_token()); },
        {.on_progress = [&](uint64_t, uint64_t) { stop.request_stop(); },
         .stop = stop.get_token()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace hadal
