#include "convert/ordered_work.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

namespace hadal {
namespace {

TEST(OrderedWork, ResultsComeInOrderAndFew) {
  for (const int threads : {1, 3, 8}) {
    std::atomic<int> under_way{0};
    std::atomic<int> most{0};
    size_t expected = 0;
    work_in_order<size_t>(
        500,
        threads,
        2,
        [&](size_t index, int worker, size_t& result) {
          EXPECT_LT(worker, threads);
          const int now = ++under_way;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          if (index % 7 == 0)
            std::this_thread::sleep_for(std::chrono::microseconds(200));
          result = index * index;
        },
        [&](size_t index, size_t result) {
          EXPECT_EQ(index, expected++);
          EXPECT_EQ(result, index * index);
          --under_way;
        });
    EXPECT_EQ(expected, 500U);
    EXPECT_LE(most, threads + 2 + 1);
  }
}

TEST(OrderedWork, NothingToDo) {
  work_in_order<int>(
      0, 2, 1, [](size_t, int, int&) { FAIL(); }, [](size_t, int) { FAIL(); });
}

TEST(OrderedWork, AnErrorOfEitherSideEndsAll) {
  const auto fine = [](size_t, int, int&) {};
  EXPECT_THROW(
      work_in_order<int>(
          100,
          4,
          2,
          [](size_t index, int, int&) {
            if (index == 40)
              throw std::runtime_error("worker");
          },
          [](size_t, int) {}),
      std::runtime_error);
  EXPECT_THROW(
      work_in_order<int>(
          100,
          4,
          2,
          fine,
          [](size_t index, int) {
            if (index == 10)
              throw std::runtime_error("consumer");
          }),
      std::runtime_error);
}

}  // namespace
}  // namespace hadal
