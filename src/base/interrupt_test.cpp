#include "base/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace hadal {
namespace {

bool stops_soon(const std::stop_token& token) {
  for (int i = 0; i < 2000 && !token.stop_requested(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return token.stop_requested();
}

TEST(Interrupt, FirstSignalRequestsAStop) {
  Interrupt interrupt;
  const std::stop_token token = interrupt.token();
  EXPECT_FALSE(interrupt.requested());
  ::raise(SIGINT);
  EXPECT_TRUE(interrupt.requested());
  EXPECT_TRUE(stops_soon(token));
}

TEST(Interrupt, RearmsForTheNextAnswer) {
  Interrupt interrupt;
  for (int i = 0; i < 3; ++i) {
    ::raise(SIGINT);
    EXPECT_TRUE(stops_soon(interrupt.token()));
    interrupt.rearm();
    EXPECT_FALSE(interrupt.requested());
    EXPECT_FALSE(interrupt.token().stop_requested());
  }
}

TEST(InterruptDeathTest, SecondSignalEndsTheProgram) {
  const auto twice = [] {
    Interrupt interrupt;
    ::raise(SIGINT);
    ::raise(SIGINT);
    ::_exit(0);
  };
  EXPECT_EXIT(twice(), testing::ExitedWithCode(kInterruptedExitCode), "");
}

TEST(InterruptDeathTest, OldHandlersComeBack) {
  const auto after = [] {
    ::signal(SIGINT, SIG_DFL);
    { Interrupt interrupt; }
    ::raise(SIGINT);
    ::_exit(0);
  };
  EXPECT_EXIT(after(), testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace hadal
