// How long steps take, and how many prompt tokens a step may therefore read
// while others wait for their next token.
#pragma once

#include <cstdint>

namespace hadal {

// Learns from every step. A step with decoders and n prompt tokens is taken to
// last step_seconds + n / prompt speed.
class StepTimes {
 public:
  // `prompt_tokens` tokens of prompts were read while `decoders` sequences made
  // one token each.
  void add(int64_t prompt_tokens, int64_t decoders, double seconds);

  // The most prompt tokens of a step that shall not last longer than
  // `max_seconds`: between kLeastPromptTokens, so that prompts end some day,
  // and `most`.
  int64_t prompt_tokens_within(double max_seconds, int64_t most) const;

  // 0 when unknown.
  double prompt_tokens_per_second() const { return speed_; }
  double step_seconds() const { return step_; }

  static constexpr int64_t kLeastPromptTokens = 16;

 private:
  double step_ = 0;
  double speed_ = 0;
};

}  // namespace hadal
