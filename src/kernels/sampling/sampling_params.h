// Choosing the next token of sequences where their logits lie.
#pragma once

#include <cstdint>

namespace hadal {

// What penalties and bias do to one token; a row names a token at most once.
struct TokenEdit {
  int32_t token = 0;
  bool penalised = false;  // it stands in the prompt or the output
  int32_t output_count = 0;
  float bias = 0;
};

enum class SampleState : int32_t {
  chosen,
  bad_logit,    // `token` is the first with a NaN or plus infinity
  all_excluded  // mask, bias and banned tokens leave nothing
};

// What one row gives. With highest and power_sum a log-probability is
//   logit - (highest + log(power_sum)), in double.
struct SampledToken {
  int32_t token = 0;
  SampleState state = SampleState::chosen;
  float logit = 0;       // of `token`, as it came
  float highest = 0;     // of all, as they came; 0 when best < 0
  double power_sum = 0;  // sum of exp(logit - highest); 0 when best < 0
};

struct LikelyToken {
  int32_t token = 0;
  float logit = 0;
};

// One row. The meaning is that of generation/sampler.h, step by step.
struct SampleParams {
  const float* logits = nullptr;  // [vocabulary]
  int64_t vocabulary = 0;
  // Penalties and bias, only for the tokens that have one.
  const TokenEdit* edits = nullptr;
  int64_t edit_count = 0;
  float repetition_penalty = 1;
  float frequency_penalty = 0;
  float presence_penalty = 0;
  // A bit a token, the lowest of word 0 first; tokens beyond the last word are
  // excluded. Null: all are allowed.
  const uint64_t* mask = nullptr;
  int64_t mask_words = 0;
  const int32_t* banned = nullptr;  // ids outside the vocabulary are ignored
  int64_t banned_count = 0;
  float temperature = 1;  // 0: the highest logit
  int64_t top_k = 0;      // 0: off
  float top_p = 1;
  float min_p = 0;
  // The draw is random_bits(seed, step) of generation/random.h.
  uint64_t seed = 0;
  uint64_t step = 0;
  // Log-probabilities: -1 none; n >= 0: highest and power_sum, and the n best
  // tokens as the logits came (all of them if there are not so many), by
  // increasing id, in `likely`.
  int64_t best = -1;
  LikelyToken* likely = nullptr;  // [best]
  SampledToken* out = nullptr;
};

}  // namespace hadal
