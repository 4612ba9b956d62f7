#include "base/thread_team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "hadal/error.h"

namespace hadal {
namespace {

using std::chrono::milliseconds;

// Waits, but not for ever: a test that fails must end.
template <class Condition>
bool comes_true(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition())
    if (std::chrono::steady_clock::now() > end)
      return false;
    else
      std::this_thread::yield();
  return true;
}

TEST(WorkSplit, CoversAllInHalvingRounds) {
  for (int64_t members : {1, 2, 3, 7, 64})
    for (int64_t count : {1, 2, 3, 5, 16, 17, 129, 1000, 16384})
      for (int64_t grain : {1, 4, 32}) {
        const WorkSplit split(count, grain, members);
        ASSERT_GE(split.ranges(), 1);
        ASSERT_EQ(split.begin(0), 0);
        ASSERT_EQ(split.begin(split.ranges()), count);
        for (int64_t i = 0; i < split.ranges(); ++i) {
          ASSERT_LT(split.begin(i), split.begin(i + 1));
          ASSERT_EQ(split.begin(i) % grain, 0);
        }
      }
  const WorkSplit split(6400, 1, 2);
  const int64_t lengths[] = {
      1600, 1600, 800, 800, 400, 400, 200, 200, 200, 200};
  ASSERT_EQ(split.ranges(), 10);
  for (int64_t i = 0; i < 10; ++i)
    EXPECT_EQ(split.begin(i + 1) - split.begin(i), lengths[i]);
}

TEST(WorkSplit, OneRangeAnItem) {
  const WorkSplit split(1000, 1, 1000);
  ASSERT_EQ(split.ranges(), 1000);
  for (int64_t i = 0; i <= 1000; ++i)
    ASSERT_EQ(split.begin(i), i);
}

TEST(ThreadTeam, CoversEveryIndexOnceForAnySize) {
  for (int threads : {1, 2, 3, 7}) {
    ThreadTeam team(threads);
    for (int64_t count : {0, 1, 2, 5, 16, 17, 1000})
      for (int64_t grain : {1, 4, 16}) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
        team.parallel_for(count, grain, [&](int64_t b, int64_t e, int member) {
          EXPECT_LT(member, threads);
          EXPECT_EQ(b % grain, 0);
          for (int64_t i = b; i < e; ++i)
            seen[static_cast<size_t>(i)]++;
        });
        for (const std::atomic<int>& n : seen)
          ASSERT_EQ(n, 1);
      }
  }
}

TEST(ThreadTeam, ForEachVisitsEveryItemOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadTeam team(threads);
    for (int64_t items : {0, 1, 2, 3, 100, 5000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(items));
      team.for_each(
          items, [&](int64_t item, int) { seen[static_cast<size_t>(item)]++; });
      for (const std::atomic<int>& n : seen)
        ASSERT_EQ(n, 1);
    }
  }
}

// More items than a ticket can count.
TEST(ThreadTeam, ForEachOfMillions) {
  constexpr int64_t kItems = (int64_t{1} << 24) + 5;
  ThreadTeam team(2);
  std::atomic<int64_t> sum = 0;
  int64_t sums[2] = {};
  team.for_each(
      kItems, [&](int64_t item, int member) { sums[member] += item; });
  sum = sums[0] + sums[1];
  EXPECT_EQ(sum, kItems * (kItems - 1) / 2);
}

// Plain writes of the members are seen by the caller, and its own by them.
TEST(ThreadTeam, ManySmallOperationsInARow) {
  ThreadTeam team(2);
  int64_t rows[64] = {};
  for (int i = 0; i < 20000; ++i)
    team.parallel_for(64, 8, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r)
        rows[r] += i;
    });
  for (int64_t row : rows)
    EXPECT_EQ(row, 20000LL * 19999 / 2);
}

TEST(ThreadTeam, MoreThreadsThanCores) {
  ThreadTeam team(available_cores() + 5);
  for (int i = 0; i < 300; ++i) {
    std::atomic<int64_t> sum = 0;
    team.parallel_for(500, 1, [&](int64_t b, int64_t e, int) { sum += e - b; });
    ASSERT_EQ(sum, 500);
  }
}

// Workers that have gone to sleep take part again.
TEST(ThreadTeam, WakesSleepers) {
  ThreadTeam team(2);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(milliseconds(2));
    std::atomic<int> inside = 0;
    team.for_each(2, [&](int64_t, int) {
      ++inside;
      EXPECT_TRUE(comes_true([&] { return inside == 2; }));
    });
  }
}

// A member that is held up keeps the one range that it is in; the others take
// all that is left.
TEST(ThreadTeam, OthersTakeOverFromASlowMember) {
  ThreadTeam team(2);
  std::atomic<bool> slow_is_inside = false;
  std::atomic<int64_t> done = 0;
  int64_t of_slow = 0;
  team.parallel_for(1600, 1, [&](int64_t begin, int64_t end, int member) {
    if (member == 1) {
      slow_is_inside = true;
      of_slow += end - begin;
      EXPECT_TRUE(comes_true([&] { return done >= 1200; }));
    } else {
      EXPECT_TRUE(comes_true([&] { return slow_is_inside.load(); }));
      done += end - begin;
    }
  });
  EXPECT_EQ(done + of_slow, 1600);
}

TEST(ThreadTeam, RethrowsAMembersException) {
  ThreadTeam team(2);
  EXPECT_THROW(
      team.parallel_for(
          2,
          1,
          [](int64_t begin, int64_t, int) {
            if (begin == 1)
              throw Error(ErrorCode::io, "member");
          }),
      Error);
  std::atomic<int64_t> done = 0;
  team.parallel_for(2, 1, [&](int64_t b, int64_t e, int) { done += e - b; });
  EXPECT_EQ(done, 2);
}

TEST(ThreadTeam, OneExceptionOfMany) {
  for (int threads : {1, 2, 4}) {
    ThreadTeam team(threads);
    std::atomic<int> thrown = 0;
    EXPECT_THROW(
        team.for_each(
            1000,
            [&](int64_t, int) {
              ++thrown;
              throw std::runtime_error("every range");
            }),
        std::runtime_error);
    // What nobody had begun is left out.
    EXPECT_LE(thrown, threads);
    std::atomic<int64_t> done = 0;
    team.for_each(10, [&](int64_t, int) { ++done; });
    EXPECT_EQ(done, 10);
  }
}

TEST(ThreadTeam, RefusesAnOperationInsideAnOperation) {
  ThreadTeam team(2);
  const auto nothing = [](int64_t, int64_t, int) {};
  EXPECT_THROW(
      team.for_each(
          4,
          [&](int64_t, int member) {
            if (member == 0)
              team.parallel_for(4, 1, nothing);
            else
              std::this_thread::sleep_for(milliseconds(1));
          }),
      Error);
  team.parallel_for(4, 1, nothing);
}

TEST(ThreadTeam, PinnedMembersStayOnTheirCores) {
  ThreadTeam team({.threads = 2, .pin = true});
  const int before = available_cores();
  {
    const ThreadTeam::Caller caller(team);
    EXPECT_EQ(available_cores(), 1);
    std::atomic<int> inside = 0;
    team.for_each(2, [&](int64_t, int) {
      EXPECT_EQ(available_cores(), 1);
      ++inside;
      comes_true([&] { return inside == 2; });
    });
  }
  EXPECT_EQ(available_cores(), before);
}

TEST(ThreadTeam, CoresInOrderAreTheAllowedOnes) {
  const std::vector<int> cores = cores_in_order();
  EXPECT_EQ(cores.size(), static_cast<size_t>(available_cores()));
  EXPECT_EQ(std::set<int>(cores.begin(), cores.end()).size(), cores.size());
}

TEST(ThreadTeam, RefusesZeroThreads) {
  EXPECT_THROW(ThreadTeam(0), Error);
}

}  // namespace
}  // namespace hadal
