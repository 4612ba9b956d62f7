#include "generation/option_checks.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace hadal {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <class Options>
struct Case {
  const char* field;
  std::function<void(Options&)> change;
  bool good;
};

template <class Options>
void expect_cases(const std::vector<Case<Options>>& cases) {
  int number = 0;
  for (const Case<Options>& c : cases) {
    Options options;
    c.change(options);
    const auto failure = check_options(options, 1000);
    ++number;
    if (c.good) {
      EXPECT_FALSE(failure.has_value())
          << "case " << number << ": " << failure->message;
      continue;
    }
    ASSERT_TRUE(failure.has_value()) << "case " << number << " " << c.field;
    EXPECT_EQ(failure->field, c.field);
    EXPECT_EQ(failure->code, ErrorCode::invalid_argument);
    EXPECT_EQ(failure->message.rfind(c.field, 0), 0U) << failure->message;
  }
}

TEST(OptionChecks, SamplingRanges) {
  using O = SamplingOptions;
  expect_cases<O>({
      {"", [](O&) {}, true},
      {"temperature", [](O& o) { o.temperature = 0; }, true},
      {"temperature", [](O& o) { o.temperature = 2; }, true},
      {"temperature", [](O& o) { o.temperature = 2.01F; }, false},
      {"temperature", [](O& o) { o.temperature = -0.1F; }, false},
      {"temperature", [](O& o) { o.temperature = kNan; }, false},
      {"top_k", [](O& o) { o.top_k = 1; }, true},
      {"top_k", [](O& o) { o.top_k = 100000; }, true},
      {"top_k", [](O& o) { o.top_k = -1; }, false},
      {"top_p", [](O& o) { o.top_p = 1e-9F; }, true},
      {"top_p", [](O& o) { o.top_p = 0; }, false},
      {"top_p", [](O& o) { o.top_p = 1.0001F; }, false},
      {"top_p", [](O& o) { o.top_p = kNan; }, false},
      {"min_p", [](O& o) { o.min_p = 1; }, true},
      {"min_p", [](O& o) { o.min_p = -0.1F; }, false},
      {"min_p", [](O& o) { o.min_p = 1.1F; }, false},
      {"presence_penalty", [](O& o) { o.presence_penalty = -2; }, true},
      {"presence_penalty", [](O& o) { o.presence_penalty = 2.5F; }, false},
      {"frequency_penalty", [](O& o) { o.frequency_penalty = 2; }, true},
      {"frequency_penalty", [](O& o) { o.frequency_penalty = kNan; }, false},
      {"repetition_penalty", [](O& o) { o.repetition_penalty = 0.5F; }, true},
      {"repetition_penalty", [](O& o) { o.repetition_penalty = 0; }, false},
      {"repetition_penalty",
       [](O& o) { o.repetition_penalty = kInfinity; },
       false},
      {"logprobs", [](O& o) { o.logprobs = 0; }, true},
      {"logprobs", [](O& o) { o.logprobs = 100; }, true},
      {"logprobs", [](O& o) { o.logprobs = 101; }, false},
      {"logprobs", [](O& o) { o.logprobs = -2; }, false},
      {"logit_bias",
       [](O& o) {
         o.logit_bias = {{0, -100.0F}, {999, 100.0F}};
       },
       true},
      {"logit_bias",
       [](O& o) {
         o.logit_bias = {{1000, 1.0F}};
       },
       false},
      {"logit_bias",
       [](O& o) {
         o.logit_bias = {{-1, 1.0F}};
       },
       false},
      {"logit_bias",
       [](O& o) {
         o.logit_bias = {{5, 100.5F}};
       },
       false},
      {"logit_bias",
       [](O& o) {
         o.logit_bias = {{5, kNan}};
       },
       false},
      {"logit_bias",
       [](O& o) {
         o.logit_bias = {{5, 1.0F}, {6, 1.0F}, {5, 2.0F}};
       },
       false},
  });
}

TEST(OptionChecks, StopRanges) {
  using O = StopOptions;
  expect_cases<O>({
      {"", [](O&) {}, true},
      {"max_tokens", [](O& o) { o.max_tokens = 1; }, true},
      {"max_tokens", [](O& o) { o.max_tokens = 0; }, false},
      {"max_tokens", [](O& o) { o.max_tokens = -2; }, false},
      {"min_tokens", [](O& o) { o.min_tokens = 100; }, true},
      {"min_tokens", [](O& o) { o.min_tokens = -1; }, false},
      {"min_tokens",
       [](O& o) {
         o.max_tokens = 5;
         o.min_tokens = 6;
       },
       false},
      {"stop", [](O& o) { o.strings.assign(16, "x"); }, true},
      {"stop", [](O& o) { o.strings.assign(17, "x"); }, false},
      {"stop", [](O& o) { o.strings = {std::string(1024, 'x')}; }, true},
      {"stop", [](O& o) { o.strings = {std::string(1025, 'x')}; }, false},
      {"stop",
       [](O& o) {
         o.strings = {"x", ""};
       },
       false},
      {"stop_token_ids",
       [](O& o) {
         o.token_ids = {0, 999};
       },
       true},
      {"stop_token_ids", [](O& o) { o.token_ids = {1000}; }, false},
      {"stop_token_ids", [](O& o) { o.token_ids = {-1}; }, false},
  });
}

TEST(OptionChecks, MessagesSayWhatWasFoundAndExpected) {
  SamplingOptions options;
  options.temperature = 3;
  EXPECT_EQ(
      check_options(options, 10)->message, "temperature is 3; expected 0 to 2");
  options = {};
  options.logit_bias = {{12, 1.0F}};
  EXPECT_EQ(
      check_options(options, 10)->message,
      "logit_bias names token 12; the vocabulary has ids 0 to 9");
}

}  // namespace
}  // namespace hadal
