// The answers of completions: one object, or chunks of a stream.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/answer_json.h"
#include "server/api/answer_options.h"
#include "server/api/api_call.h"

namespace hadal {

class CompletionWriter : public ApiCall {
 public:
  // `echoed` is the text in front of each choice's; the choices of a prompt
  // follow each other, `choices_per_prompt` of them.
  CompletionWriter(
      AnswerOptions options,
      std::vector<ChoiceRequest> requests,
      std::vector<std::string> echoed,
      size_t choices_per_prompt,
      const ServedModel& served);

  bool streams() const override { return options_.stream; }
  std::string begin() override;
  bool wants_progress() const override { return options_.return_progress; }
  std::string progress(int64_t done, int64_t total) override;
  std::string update(
      size_t choice,
      std::span<const ChatEvent> events,
      std::span<const TokenInfo> tokens) override;
  std::string end_choice(size_t choice, const ChoiceEnd& end) override;
  std::string finish() override;
  std::string fail(const ApiError& error) override;
  std::string keep_alive(int64_t done, int64_t total) override;

 private:
  struct Choice {
    std::string text;
    std::vector<TokenInfo> tokens;
    int64_t characters = 0;  // of the tokens told so far, for text_offset
    ChoiceEnd end;
  };

  std::string choice_object(size_t index, std::string_view text, bool is_last);
  std::string logprobs(Choice& choice) const;

  const AnswerOptions options_;
  const std::vector<std::string> echoed_;
  const size_t choices_per_prompt_;
  const ServedModel& served_;
  std::string chunk_head_;
  std::vector<Choice> choices_;
  UsageSum usage_;
  bool generates_ = false;
};

}  // namespace hadal
