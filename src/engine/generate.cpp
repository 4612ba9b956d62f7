#include "hadal/generate.h"

#include <array>
#include <chrono>
#include <string>

#include "generation/sampler.h"
#include "generation/stop_checker.h"
#include "hadal/error.h"
#include "text/utf8.h"

namespace hadal {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

// End of sentence, and control tokens that never stand inside an answer
// (spec/text.md 3.6).
std::vector<int32_t> end_tokens(
    const ModelInfo& info, const Tokenizer& tokenizer) {
  std::vector<int32_t> ids{
      info.eos_token, tokenizer.bos_id(), tokenizer.pad_id()};
  for (std::string_view text : {"<｜User｜>", "<｜Assistant｜>"})
    if (const std::optional<int32_t> id = tokenizer.find(text))
      ids.push_back(*id);
  return ids;
}

// Appends the token to the session's timeline and returns the next logits.
std::span<const float> next_logits(
    Session& session, int32_t token, const std::stop_token& stop) {
  return session.feed({&token, 1}, {.stop = stop});
}

}  // namespace

std::string_view name(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::cancelled:
      return "cancelled";
  }
  return "unknown";
}

Summary generate(
    Session& session,
    const Tokenizer& tokenizer,
    std::span<const int32_t> prompt,
    const GenerateOptions& options,
    const std::function<Continue(const Step&)>& on_step,
    std::stop_token stop) {
  const ModelInfo& info = session.model().info();
  Sampler sampler(options.sampling, info.vocabulary, prompt);
  StopChecker checker(
      options.stop, end_tokens(info, tokenizer), info.vocabulary);
  Utf8Stream characters;
  Summary summary;
  summary.prompt_tokens = static_cast<int64_t>(prompt.size());

  const auto prompt_start = std::chrono::steady_clock::now();
  std::span<const float> logits = session.advance_to(
      prompt,
      {.on_progress = options.on_prompt_progress, .stop = stop},
      &summary.reused_tokens);
  summary.prompt_seconds = seconds_since(prompt_start);

  const auto start = std::chrono::steady_clock::now();
  while (true) {
    if (stop.stop_requested()) {
      summary.finish_reason = FinishReason::cancelled;
      break;
    }
    const Choice choice = sampler.sample(logits, {}, checker.banned());
    sampler.accept(choice.token);
    const StopStep step =
        checker.push(choice.token, tokenizer.bytes(choice.token));
    ++summary.generated_tokens;
    if (step.reason == StopReason::end_token) {
      summary.stop_token = step.end_token;
      break;
    }
    const std::string text = characters.push(step.text);
    const Continue next = on_step(
        {.token = choice.token,
         .text = text,
         .logprob = choice.logprob,
         .top_logprobs = choice.logprobs});
    if (step.reason) {
      if (step.reason == StopReason::max_tokens)
        summary.finish_reason = FinishReason::length;
      break;
    }
    if (next == Continue::no) {
      summary.finish_reason = FinishReason::cancelled;
      break;
    }
    if (session.length() + 1 > info.context) {
      summary.finish_reason = FinishReason::length;
      break;
    }
    logits = next_logits(session, choice.token, {});
  }
  summary.rest = characters.push(checker.flush()) + characters.finish();
  summary.generate_seconds = seconds_since(start);
  return summary;
}

}  // namespace hadal
