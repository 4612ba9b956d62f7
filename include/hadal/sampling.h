// How the next token is chosen from the logits, and when to stop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hadal {

// Applied in this order: penalties, bias, temperature, top_k, top_p, min_p,
// draw. The defaults are those of the model's generation_config.json: the plain
// distribution.
struct SamplingOptions {
  float temperature = 1;         // 0: greedy, ties to the lower id
  int64_t top_k = 0;             // 0: off
  float top_p = 1;               // (0, 1]
  float min_p = 0;               // [0, 1]
  float repetition_penalty = 1;  // over prompt and output; > 0
  float presence_penalty = 0;    // over the output; [-2, 2]
  float frequency_penalty = 0;   // over the output; [-2, 2]
  std::vector<std::pair<int32_t, float>> logit_bias;  // id, added to the logit
  std::optional<uint64_t> seed;                       // none: a fresh one
  int logprobs = -1;  // -1: none; n >= 0: the chosen token's and the n best
};

// Where a generation ends besides the end-of-sentence token.
struct StopOptions {
  int64_t max_tokens = -1;           // -1: until the context is full
  int64_t min_tokens = 0;            // end tokens before that are not sampled
  std::vector<std::string> strings;  // of the decoded text; not emitted
  std::vector<int32_t> token_ids;    // further end tokens
};

}  // namespace hadal
