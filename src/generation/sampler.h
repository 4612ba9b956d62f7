// From logits to a token.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "generation/candidates.h"
#include "generation/token_mask.h"
#include "hadal/sampling.h"

namespace hadal {

// A sampled token. Log-probabilities are natural logarithms in the raw
// distribution: before penalties, bias, mask, temperature and filters.
struct Choice {
  int32_t token = 0;
  float logprob = 0;                                // 0 when not asked for
  std::vector<std::pair<int32_t, float>> logprobs;  // the best, best first
};

// Samples the output tokens of one sequence, in this order: penalties, bias,
// mask; then at temperature 0 the highest logit (ties: the lower id), else
// temperature, top_k, top_p, min_p, draw.
//
//   repetition  l > 0 ? l / r : l * r   for tokens of prompt or output
//   frequency   l -= f * count          for tokens of the output
//   presence    l -= p                  for tokens of the output
//   top_k       the k highest logits (ties: the lower id)
//   top_p       the fewest of them, from the top, that weigh at least p of all
//   min_p       those of them at least min_p as likely as the likeliest
//
// Probabilities are integer weights (probability_weight.h) and the draw
// depends on the seed and the number of accepted tokens alone, so a seed gives
// the same tokens from the same logits on every machine. Owned by one thread.
class Sampler {
 public:
  // Throws Error(invalid_argument) with the field's name when an option is out
  // of range (option_checks.h) or a prompt id is outside the vocabulary.
  Sampler(
      const SamplingOptions& options,
      int64_t vocabulary,
      std::span<const int32_t> prompt);

  // The seed in use, also when none was asked for.
  uint64_t seed() const { return seed_; }

  // Chooses the next token; changes no state, so the same call gives the same
  // token. logits: [vocabulary], minus infinity allowed. `banned` tokens are
  // never chosen. `greedy`: this once as if the temperature were 0. Throws
  // Error(internal) for a NaN or plus infinity, naming the first id, and
  // Error(invalid_argument) when every token is excluded or the number of
  // logits is wrong.
  Choice sample(
      std::span<const float> logits,
      const TokenMask& mask = {},
      std::span<const int32_t> banned = {},
      bool greedy = false);

  // The token became part of the output: it counts in the penalties, and the
  // next draw is another one.
  void accept(int32_t token);
  // Takes back the last accepted tokens, for rejected drafts.
  void rewind(int64_t outputs);
  int64_t outputs() const { return static_cast<int64_t>(outputs_.size()); }

 private:
  struct Seen {
    bool in_prompt = false;
    int64_t output_count = 0;
  };
  void take(std::span<const float> logits);
  void penalise();
  void exclude(const TokenMask& mask, std::span<const int32_t> banned);
  Candidate best();
  int32_t draw(float highest);
  int32_t draw_of_top_k(float highest, double scale);
  int32_t draw_of_all(float highest, double scale);
  uint64_t least_weight() const;  // of min_p
  uint64_t ticket(uint64_t total) const;
  void add_logprobs(std::span<const float> logits, Choice& choice);

  SamplingOptions options_;
  int64_t vocabulary_;
  uint64_t seed_;
  std::unordered_map<int32_t, Seen> seen_;
  std::vector<int32_t> outputs_;
  // Scratch of one call.
  std::vector<float> adjusted_;        // [vocabulary]
  std::vector<float> maxima_;          // of blocks of adjusted_
  TokenWeights tokens_;                // of adjusted_
  std::vector<Candidate> candidates_;  // by increasing id
  std::vector<Candidate> sorted_;      // partly
  std::vector<double> powers_;         // [vocabulary], for log-probabilities
};

}  // namespace hadal
