// The tokens of one request's answer: from logits to a token that counts.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/engine_request.h"
#include "generation/sampler.h"

namespace hadal {

struct AnswerToken {
  Choice choice;
  bool in_reasoning = false;
  bool is_end = false;
};

// Sampler, constraint, reasoning budget and end tokens of a request. Its state
// depends on the tokens chosen so far alone, so it outlives the loss of the
// sequence's cache. Owned by one thread at a time.
class Answer {
 public:
  // Takes the constraint out of the request. Throws Error(invalid_argument)
  // naming the field when an option is out of range.
  Answer(EngineRequest& request, int64_t vocabulary);

  // Chooses the next token from logits [vocabulary] and accepts it: sampled,
  // drawn greedily inside markup, or forced at the end of the reasoning budget.
  // Throws what Sampler::sample and the constraint throw.
  AnswerToken next(std::span<const float> logits);

  uint64_t seed() const { return sampler_.seed(); }
  int64_t tokens() const { return sampler_.outputs(); }
  int64_t reasoning_tokens() const { return reasoning_tokens_; }

 private:
  int32_t forced_token();
  TokenMask only(int32_t token);
  std::span<const int32_t> banned(const TokenMask& mask) const;

  Sampler sampler_;
  std::unique_ptr<TokenConstraint> constraint_;
  bool greedy_markup_;
  std::vector<int32_t> end_tokens_;  // sorted
  int64_t min_tokens_;
  ReasoningRules reasoning_;
  bool inside_;  // the reasoning
  int64_t reasoning_tokens_ = 0;
  size_t forced_ = 0;  // tokens of reasoning_.forced that came
  int64_t vocabulary_;
  std::vector<uint64_t> one_token_;  // words of a mask
};

}  // namespace hadal
