#include "generation/stop_checker.h"

#include <fmt/format.h>

#include <algorithm>

#include "generation/option_checks.h"
#include "hadal/error.h"

namespace hadal {
namespace {

const StopOptions& checked(const StopOptions& options, int64_t vocabulary) {
  if (const auto failure = check_options(options, vocabulary))
    throw Error(failure->code, failure->message);
  return options;
}

}  // namespace

StopChecker::StopChecker(
    const StopOptions& options,
    std::span<const int32_t> end_tokens,
    int64_t vocabulary,
    int64_t max_thinking_tokens)
    : max_tokens_(checked(options, vocabulary).max_tokens),
      min_tokens_(options.min_tokens),
      max_thinking_tokens_(max_thinking_tokens),
      end_tokens_(end_tokens.begin(), end_tokens.end()),
      strings_(options.strings) {
  if (max_thinking_tokens != -1 && max_thinking_tokens < 1) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "max_thinking_tokens is {}; expected 1 or more, or -1 for no "
            "limit (without thinking, switch it off)",
            max_thinking_tokens));
  }
  end_tokens_.insert(
      end_tokens_.end(), options.token_ids.begin(), options.token_ids.end());
  std::sort(end_tokens_.begin(), end_tokens_.end());
}

std::span<const int32_t> StopChecker::banned() const {
  if (tokens_ < min_tokens_)
    return end_tokens_;
  return {};
}

bool StopChecker::is_end_token(int32_t token) const {
  return std::binary_search(end_tokens_.begin(), end_tokens_.end(), token);
}

StopStep StopChecker::push(
    int32_t token, std::string_view bytes, bool thinking) {
  StopStep step;
  const bool may_stop = tokens_ >= min_tokens_;
  ++tokens_;
  if (is_end_token(token)) {
    if (may_stop) {
      strings_.flush(step.text);
      step.reason = StopReason::end_token;
      step.end_token = token;
      return step;
    }
  } else if (thinking) {
    ++thinking_tokens_;
    step.end_thinking = thinking_tokens_ == max_thinking_tokens_;
    strings_.flush(step.text);
    step.text += bytes;
  } else {
    step.stop_string = strings_.push(bytes, step.text, may_stop);
    if (step.stop_string >= 0) {
      step.reason = StopReason::stop_string;
      return step;
    }
  }
  if (tokens_ == max_tokens_) {
    strings_.flush(step.text);
    step.reason = StopReason::max_tokens;
  }
  return step;
}

std::string StopChecker::flush() {
  std::string text;
  strings_.flush(text);
  return text;
}

}  // namespace hadal
