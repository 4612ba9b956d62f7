// The answers of chat completions: one object, or chunks of a stream.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/answer_json.h"
#include "server/api/answer_options.h"
#include "server/api/api_call.h"

namespace hadal {

class ChatWriter : public ApiCall {
 public:
  ChatWriter(
      AnswerOptions options,
      std::vector<ChoiceRequest> requests,
      bool thinking,
      const ServedModel& served);

  bool streams() const override { return options_.stream; }
  std::string begin() override;
  std::string started(size_t choice, const EngineStart& start) override;
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
  using Clock = std::chrono::steady_clock;

  struct Choice {
    ChatAnswerBuilder answer;
    // Without streaming all of them, else those of no chunk yet.
    std::vector<TokenInfo> tokens;
    int64_t generated = 0;
    std::optional<Clock::time_point> first_token;
    EngineStart start;
    ChoiceEnd end;
  };

  std::string chunk(
      size_t index, std::string_view delta, std::string_view finish_reason);
  std::string delta(const ChatEvent& event) const;
  std::string reasoning_members(std::string_view json_text) const;
  std::string token_members(Choice& choice) const;
  std::string running_members(const Choice& choice) const;
  std::string choice_object(size_t index);

  const AnswerOptions options_;
  const bool thinking_;
  const ServedModel& served_;
  std::string chunk_head_;
  std::vector<Choice> choices_;
  UsageSum usage_;
  int64_t prompt_cached_ = 0;
  bool generates_ = false;
};

}  // namespace hadal
