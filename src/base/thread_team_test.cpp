#include "base/thread_team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "hadal/error.h"

namespace hadal {
namespace {

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

TEST(ThreadTeam, ManySmallOperationsInARow) {
  ThreadTeam team(2);
  std::atomic<int64_t> sum = 0;
  for (int i = 0; i < 20000; ++i)
    team.parallel_for(2, 1, [&](int64_t b, int64_t e, int) { sum += e - b; });
  EXPECT_EQ(sum, 40000);
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
  int64_t done = 0;
  team.parallel_for(1, 1, [&](int64_t b, int64_t e, int) { done += e - b; });
  EXPECT_EQ(done, 1);
}

TEST(ThreadTeam, RefusesZeroThreads) {
  EXPECT_THROW(ThreadTeam(0), Error);
}

}  // namespace
}  // namespace hadal
