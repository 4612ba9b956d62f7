#include "base/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hadal {
namespace {

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    set_log_sink([this](const LogRecord& record) {
      lines_.push_back(
          std::string(name(record.level)) + " " + std::string(record.area) +
          ": " + std::string(record.message));
    });
  }
  void TearDown() override {
    set_log_sink({});
    EXPECT_TRUE(set_log_levels("off"));
  }

  std::vector<std::string> lines_;
};

TEST_F(LogTest, SilentByDefault) {
  log(LogLevel::error, "model", "lost");
  EXPECT_TRUE(lines_.empty());
}

TEST_F(LogTest, LevelsHoldByArea) {
  ASSERT_TRUE(set_log_levels("warning,cache=debug,model=off"));
  log(LogLevel::warning, "text", "a {}", 1);
  log(LogLevel::info, "text", "b");
  log(LogLevel::debug, "cache", "c");
  log(LogLevel::trace, "cache", "d");
  log(LogLevel::error, "model", "e");
  EXPECT_EQ(
      lines_,
      (std::vector<std::string>{"warning text: a 1", "debug cache: c"}));
}

TEST_F(LogTest, RefusesWhatItDoesNotKnowAndKeepsTheRest) {
  ASSERT_TRUE(set_log_levels("info"));
  for (const char* spec : {"", "loud", "cache=", "=info", "info,", "a=b=info"})
    EXPECT_FALSE(set_log_levels(spec)) << spec;
  log(LogLevel::info, "text", "still");
  EXPECT_EQ(lines_.size(), 1U);
}

}  // namespace
}  // namespace hadal
