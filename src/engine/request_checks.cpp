#include "engine/request_checks.h"

#include <fmt/format.h>

#include <span>
#include <string>

#include "generation/option_checks.h"
#include "hadal/error.h"

namespace hadal {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

void check_ids(
    const char* field, std::span<const int32_t> ids, int64_t vocabulary) {
  for (size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= vocabulary)
      refuse(fmt::format(
          "{}[{}]: found id {}, expected 0 to {}",
          field,
          i,
          ids[i],
          vocabulary - 1));
}

void check_reasoning(const ReasoningRules& rules, int64_t vocabulary) {
  if (rules.max_tokens < -1)
    refuse(fmt::format(
        "reasoning.max_tokens: found {}, expected 0 or more, or -1 for no "
        "budget",
        rules.max_tokens));
  if (rules.starts_inside && rules.end < 0)
    refuse("reasoning.end: not set, although the prompt ends inside reasoning");
  if (rules.end >= vocabulary)
    refuse(fmt::format(
        "reasoning.end: found id {}, expected below {}",
        rules.end,
        vocabulary));
  check_ids("reasoning.forced", rules.forced, vocabulary);
  if (rules.max_tokens >= 0 && rules.starts_inside &&
      (rules.forced.empty() || rules.forced.back() != rules.end))
    refuse("reasoning.forced: expected tokens that end with reasoning.end");
}

}  // namespace

void check_request(
    const EngineRequest& request,
    int64_t vocabulary,
    int64_t context,
    int64_t fitting,
    int64_t budget_bytes) {
  if (request.observer == nullptr)
    refuse("observer: found none");
  if (request.prompt.empty())
    refuse("prompt: found no tokens, expected one or more");
  check_ids("prompt", request.prompt, vocabulary);
  check_ids("end_tokens", request.end_tokens, vocabulary);
  check_reasoning(request.reasoning, vocabulary);
  const StopOptions stop{
      .max_tokens = request.max_tokens, .min_tokens = request.min_tokens};
  if (const auto failure = check_options(stop, vocabulary))
    throw Error(failure->code, failure->message);

  const auto prompt = static_cast<int64_t>(request.prompt.size());
  int64_t before = 0;
  for (const int64_t length : request.keep_at) {
    if (length <= before || length >= prompt)
      refuse(fmt::format(
          "keep_at: found length {}, expected increasing lengths below the {} "
          "tokens of the prompt",
          length,
          prompt));
    before = length;
  }
  if (prompt > context)
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "prompt: {} tokens do not fit in the context of {}; shorten it or "
            "load the model with a larger context",
            prompt,
            context));
  if (prompt > fitting)
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "prompt: {} tokens do not fit in the cache memory of {} bytes, "
            "which holds a sequence of {}; shorten it or raise the limit",
            prompt,
            budget_bytes,
            fitting));
}

}  // namespace hadal
