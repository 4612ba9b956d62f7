#include "base/progress.h"

#include <gtest/gtest.h>

namespace hadal {
namespace {

TEST(ProgressLine, ShowsShareAmountRateAndTimeLeft) {
  EXPECT_EQ(
      progress_line("reading", ProgressUnit::tokens, 1200, 4800, 2, 80),
      "reading  25% [======>                    ] 1,200/4,800 tokens  600/s  "
      "0:06 left");
  EXPECT_EQ(
      progress_line(
          "loading", ProgressUnit::bytes, 5'000'000, 10'000'000, 0.5, 70),
      "loading  50% [======>      ] 5.00 MB of 10.0 MB  10.0 MB/s  "
      "0:01 left");
}

TEST(ProgressLine, FullAndEmpty) {
  EXPECT_EQ(
      progress_line("p", ProgressUnit::tokens, 0, 10, 0, 30),
      "p   0% [>       ] 0/10 tokens");
  EXPECT_EQ(
      progress_line("p", ProgressUnit::tokens, 10, 10, 4000, 38),
      "p 100% [========] 10/10 tokens  0.0/s");
}

TEST(ProgressLine, NeverLongerThanTheTerminal) {
  for (int columns = 2; columns < 120; ++columns)
    EXPECT_LT(
        progress_line(
            "reading",
            ProgressUnit::bytes,
            1'000'000'000,
            9'000'000'000,
            7e4,
            columns)
            .size(),
        static_cast<size_t>(columns));
}

TEST(Progress, SilentWhenStderrIsNoTerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("reading", ProgressUnit::tokens);
    for (int i = 0; i < 10; ++i)
      progress.update(i, 10);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace hadal
