// The filters on the tokens that may be drawn.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "generation/token_weights.h"

namespace hadal {

struct Candidate {
  float logit = 0;
  int32_t id = 0;
  uint64_t weight = 0;  // probability_weight.h
};

// The order of top_k and top_p: higher logits first, ties to the lower id. A
// better token weighs at least as much.
inline bool better(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

uint64_t total_weight(const std::vector<Candidate>& candidates);

// The `count` best of all logits, in increasing id, weights zero; all of them
// when there are not more. `maxima` are those of block_maxima
// (token_weights.h): only blocks that can hold one of the best are looked at,
// so this is fast for a count well below their number.
void collect_best(
    std::span<const float> logits,
    std::span<const float> maxima,
    int64_t count,
    std::vector<Candidate>& out);

// What the top tokens must weigh together for `top_p` of `total` > 0.
uint64_t wanted_weight(float top_p, uint64_t total);

// The worst of the fewest candidates, from the top, that together weigh at
// least `wanted`. Changes their order.
Candidate last_needed(std::vector<Candidate>& candidates, uint64_t wanted);

// The same of all tokens. `scratch` is overwritten.
Candidate last_needed(
    std::span<const float> logits,
    const TokenWeights& tokens,
    uint64_t wanted,
    std::vector<Candidate>& scratch);

// Tokens that stay: they weigh at least `least` and are not worse than `last`.
// The default keeps all.
struct Cut {
  uint64_t least = 0;
  Candidate last = {
      .logit = -std::numeric_limits<float>::infinity(),
      .id = std::numeric_limits<int32_t>::max()};
};

// Makes tokens.sums those of the tokens that stay.
void sum_kept(
    std::span<const float> logits, const Cut& cut, TokenWeights& tokens);

// The token at place `ticket` of the row in which every token that stays has as
// many places as it weighs, by increasing id. tokens.sums are those of sum_kept
// (for the default cut, those of weigh_tokens); `ticket` is below their sum.
int32_t token_at(
    std::span<const float> logits,
    const Cut& cut,
    const TokenWeights& tokens,
    uint64_t ticket);

}  // namespace hadal
