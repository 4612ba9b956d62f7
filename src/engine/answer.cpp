#include "engine/answer.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace hadal {

Answer::Answer(EngineRequest& request, int64_t vocabulary)
    : sampler_(request.sampling, vocabulary, request.prompt),
      constraint_(std::move(request.constraint)),
      greedy_markup_(request.greedy_markup),
      end_tokens_(request.end_tokens),
      min_tokens_(request.min_tokens),
      reasoning_(request.reasoning),
      inside_(request.reasoning.starts_inside),
      vocabulary_(vocabulary) {
  std::sort(end_tokens_.begin(), end_tokens_.end());
  end_tokens_.erase(
      std::unique(end_tokens_.begin(), end_tokens_.end()), end_tokens_.end());
}

AnswerToken Answer::next(std::span<const float> logits) {
  AnswerToken result;
  const int32_t forced = forced_token();
  if (forced >= 0) {
    // Through the sampler as well, for its log-probabilities.
    result.choice = sampler_.sample(logits, only(forced));
    ++forced_;
  } else {
    const TokenMask mask = constraint_ ? constraint_->mask() : TokenMask{};
    const bool greedy =
        constraint_ && greedy_markup_ && constraint_->wants_greedy();
    result.choice = sampler_.sample(logits, mask, banned(mask), greedy);
  }
  const int32_t token = result.choice.token;
  sampler_.accept(token);
  if (constraint_)
    constraint_->accept(token);
  result.in_reasoning = inside_;
  if (inside_) {
    ++reasoning_tokens_;
    inside_ = token != reasoning_.end;
  }
  result.is_end =
      forced < 0 &&
      std::binary_search(end_tokens_.begin(), end_tokens_.end(), token);
  return result;
}

// The token that must come now, or -1. Once begun, the forced tokens are
// written to their end.
int32_t Answer::forced_token() {
  const bool used_up = inside_ && reasoning_.max_tokens >= 0 &&
                       reasoning_tokens_ >= reasoning_.max_tokens;
  if ((used_up || forced_ > 0) && forced_ < reasoning_.forced.size())
    return reasoning_.forced[forced_];
  return -1;
}

TokenMask Answer::only(int32_t token) {
  one_token_.assign(static_cast<size_t>((vocabulary_ + 63) / 64), 0);
  one_token_[static_cast<size_t>(token) / 64] = uint64_t{1} << (token % 64);
  return {one_token_};
}

// End tokens before min_tokens, unless the constraint leaves nothing else.
std::span<const int32_t> Answer::banned(const TokenMask& mask) const {
  if (tokens() >= min_tokens_)
    return {};
  if (!mask.everything()) {
    int64_t allowed = 0;
    for (const uint64_t word : mask.words)
      allowed += std::popcount(word);
    for (const int32_t id : end_tokens_)
      allowed -= mask.allows(id) ? 1 : 0;
    if (allowed <= 0)
      return {};
  }
  return end_tokens_;
}

}  // namespace hadal
