// Rows to sample from: every option, over logits of three kinds, with and
// without masks and banned tokens.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "hadal/sampling.h"
#include "kernels/random_weight.h"
#include "kernels/sampling/sampling_params.h"

namespace hadal {

inline constexpr int64_t kSampledVocabulary = 129280;

// A row and what was sampled before it.
struct SampledRow {
  std::vector<float> logits;
  SamplingOptions options;
  std::vector<int32_t> prompt;
  std::vector<int32_t> output;
  std::vector<uint64_t> mask;
  std::vector<int32_t> banned;
};

inline std::vector<TokenEdit> edits_of(const SampledRow& row) {
  std::map<int32_t, TokenEdit> edits;
  const SamplingOptions& options = row.options;
  if (options.repetition_penalty != 1)
    for (const int32_t id : row.prompt)
      edits[id].penalised = true;
  if (options.repetition_penalty != 1 || options.presence_penalty != 0 ||
      options.frequency_penalty != 0)
    for (const int32_t id : row.output) {
      edits[id].penalised = true;
      ++edits[id].output_count;
    }
  for (const auto& [id, bias] : options.logit_bias)
    edits[id].bias = bias;
  std::vector<TokenEdit> all;
  for (auto& [id, edit] : edits) {
    edit.token = id;
    all.push_back(edit);
  }
  return all;
}

// A few tokens stand out and the many others weigh little together.
inline std::vector<float> peaked(uint64_t seed) {
  std::vector<float> logits = random_values(kSampledVocabulary, seed, 2);
  for (int64_t i = 0; i < 40; ++i)
    logits[static_cast<size_t>(i * 3001)] = 20 - 0.2F * static_cast<float>(i);
  return logits;
}

inline std::vector<float> broad(uint64_t seed) {
  return random_values(kSampledVocabulary, seed, 4);
}

// Many equal logits, zeros of both signs among them.
inline std::vector<float> tied(uint64_t seed) {
  std::vector<float> logits = random_values(kSampledVocabulary, seed, 3);
  for (float& logit : logits)
    logit = std::round(logit);
  return logits;
}

inline std::vector<SamplingOptions> option_sets() {
  return {
      {.temperature = 0},
      {},
      {.temperature = 0.6F},
      {.temperature = 2},
      {.top_k = 1},
      {.top_k = 40},
      {.top_k = 3000},
      {.top_p = 0.95F},
      {.top_p = 0.3F},
      {.top_p = 0.0001F},
      {.min_p = 0.05F},
      {.min_p = 1},
      {.top_p = 0.95F, .min_p = 0.01F},
      {.top_k = 50, .top_p = 0.9F},
      {.temperature = 1.3F,
       .top_k = 50,
       .top_p = 0.95F,
       .min_p = 0.01F,
       .repetition_penalty = 1.1F,
       .presence_penalty = 0.5F,
       .frequency_penalty = 0.2F},
      {.temperature = 0, .repetition_penalty = 1.5F},
      {.temperature = 0, .presence_penalty = 1, .frequency_penalty = -0.3F},
      {.logit_bias = {{5, 100.0F}, {129279, 99.0F}, {77, -100.0F}}},
      {.top_p = 0.5F, .logprobs = 0},
      {.temperature = 0, .logprobs = 20},
      {.top_k = 7, .logprobs = 5},
  };
}

inline std::vector<SampledRow> all_rows() {
  std::vector<SampledRow> rows;
  uint64_t seed = 1;
  for (const SamplingOptions& options : option_sets())
    for (const auto& make : {peaked, broad, tied})
      for (int variant = 0; variant < 3; ++variant) {
        SampledRow row{.logits = make(++seed), .options = options};
        row.options.seed = 1000 + seed;
        for (int32_t i = 0; i < 2000; ++i)
          row.prompt.push_back(i * 61 % 129280);
        for (int32_t i = 0; i < static_cast<int32_t>(seed % 50); ++i)
          row.output.push_back(i * i * 3001 % 129280);
        if (variant == 1) {
          row.mask.assign(1700, 0x5A5A0FF0F00FA5A5);  // fewer than there are
          row.banned = {0, 3001, -5, 129280, 64};
        }
        if (variant == 2) {
          row.banned = {0};
          row.logits[9] = -std::numeric_limits<float>::infinity();
        }
        rows.push_back(std::move(row));
      }
  return rows;
}

}  // namespace hadal
