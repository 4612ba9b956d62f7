#include "generation/option_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"

namespace hadal {
namespace {

std::optional<Failure> out_of_range(
    const std::string& field,
    const std::string& found,
    const std::string& expected) {
  return Failure{
      ErrorCode::invalid_argument,
      fmt::format("{} is {}; expected {}", field, found, expected),
      field};
}

// False for NaN too.
bool within(float value, float low, float high) {
  return value >= low && value <= high;
}

std::optional<Failure> check_id(
    const std::string& field, int32_t id, int64_t vocabulary) {
  if (id >= 0 && id < vocabulary)
    return std::nullopt;
  return Failure{
      ErrorCode::invalid_argument,
      fmt::format(
          "{} names token {}; the vocabulary has ids 0 to {}",
          field,
          id,
          vocabulary - 1),
      field};
}

std::optional<Failure> check_bias(
    const std::vector<std::pair<int32_t, float>>& bias, int64_t vocabulary) {
  std::vector<int32_t> ids;
  for (const auto& [id, value] : bias) {
    if (auto failure = check_id("logit_bias", id, vocabulary))
      return failure;
    if (!within(value, -100, 100)) {
      return out_of_range(
          "logit_bias",
          fmt::format("{} for token {}", value, id),
          "-100 to 100");
    }
    ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice != ids.end()) {
    return Failure{
        ErrorCode::invalid_argument,
        fmt::format("logit_bias names token {} twice", *twice),
        "logit_bias"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Failure> check_options(
    const SamplingOptions& options, int64_t vocabulary) {
  struct Range {
    const char* field;
    float value;
    float low;
    float high;
    const char* expected;
  };
  const Range ranges[] = {
      {"temperature", options.temperature, 0, 2, "0 to 2"},
      {"min_p", options.min_p, 0, 1, "0 to 1"},
      {"presence_penalty", options.presence_penalty, -2, 2, "-2 to 2"},
      {"frequency_penalty", options.frequency_penalty, -2, 2, "-2 to 2"},
  };
  for (const Range& range : ranges) {
    if (!within(range.value, range.low, range.high)) {
      return out_of_range(
          range.field, fmt::to_string(range.value), range.expected);
    }
  }
  if (!(options.top_p > 0 && options.top_p <= 1)) {
    return out_of_range(
        "top_p", fmt::to_string(options.top_p), "more than 0, at most 1");
  }
  if (!(options.repetition_penalty > 0) ||
      !std::isfinite(options.repetition_penalty)) {
    return out_of_range(
        "repetition_penalty",
        fmt::to_string(options.repetition_penalty),
        "more than 0");
  }
  if (options.top_k < 0) {
    return out_of_range(
        "top_k", fmt::to_string(options.top_k), "0 (off) or more");
  }
  if (options.logprobs < -1 || options.logprobs > kMaxLogprobs) {
    return out_of_range(
        "logprobs",
        fmt::to_string(options.logprobs),
        fmt::format("-1 (off) to {}", kMaxLogprobs));
  }
  return check_bias(options.logit_bias, vocabulary);
}

std::optional<Failure> check_options(
    const StopOptions& options, int64_t vocabulary) {
  if (options.max_tokens != -1 && options.max_tokens < 1) {
    return out_of_range(
        "max_tokens",
        fmt::to_string(options.max_tokens),
        "1 or more, or -1 for no limit");
  }
  if (options.min_tokens < 0 ||
      (options.max_tokens != -1 && options.min_tokens > options.max_tokens)) {
    return out_of_range(
        "min_tokens", fmt::to_string(options.min_tokens), "0 to max_tokens");
  }
  if (options.strings.size() > kMaxStopStrings) {
    return out_of_range(
        "stop",
        fmt::format("a list of {} strings", options.strings.size()),
        fmt::format("at most {}", kMaxStopStrings));
  }
  for (const std::string& text : options.strings) {
    if (text.empty() || text.size() > kMaxStopStringBytes) {
      return out_of_range(
          "stop",
          fmt::format("a string of {} bytes", text.size()),
          fmt::format("1 to {} bytes", kMaxStopStringBytes));
    }
  }
  for (const int32_t id : options.token_ids) {
    if (auto failure = check_id("stop_token_ids", id, vocabulary))
      return failure;
  }
  return std::nullopt;
}

}  // namespace hadal
