// The router on the CPU: the scores of a token's experts with vectors, then one
// pass that keeps the best few.
#include <algorithm>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/router/router.h"
#include "kernels/router/router_scores.h"

namespace hadal {
namespace {

struct Scratch {
  AlignedBuffer<float> logits;  // of one token, padded to whole vectors
  AlignedBuffer<float> scores;
  AlignedBuffer<float> keys;  // score + bias of the kept experts
};

Scratch& scratch() {
  thread_local Scratch of_thread;
  return of_thread;
}

constexpr int64_t round_up(int64_t value) {
  return (value + 15) / 16 * 16;
}

// The ids of the `per_token` largest score + bias, best first. An expert enters
// only when it is strictly better than one that is kept, so of equal ones the
// lower id stays.
void keep_best(
    const RouterParams& params,
    const float* scores,
    float* keys,
    int32_t* indices) {
  int64_t kept = 0;
  for (int64_t e = 0; e < params.experts; ++e) {
    const float key = scores[e] + params.bias[e];
    if (kept == params.per_token && key <= keys[kept - 1])
      continue;
    int64_t place = kept < params.per_token ? kept++ : kept - 1;
    for (; place > 0 && key > keys[place - 1]; --place) {
      keys[place] = keys[place - 1];
      indices[place] = indices[place - 1];
    }
    keys[place] = key;
    indices[place] = static_cast<int32_t>(e);
  }
}

void look_up(const RouterParams& params, int64_t token, int32_t* indices) {
  const int64_t first = params.token_ids[token] * params.per_token;
  for (int64_t k = 0; k < params.per_token; ++k)
    indices[k] = params.tid2eid_is_64_bit
                     ? static_cast<int32_t>(static_cast<const int64_t*>(
                           params.tid2eid)[first + k])
                     : static_cast<const int32_t*>(params.tid2eid)[first + k];
}

void route_token(const RouterParams& params, int64_t token) {
  const float* row = params.logits + token * params.experts;
  int32_t* indices = params.indices + token * params.per_token;
  float* weights = params.weights + token * params.per_token;
  Scratch& mine = scratch();
  const int64_t padded = round_up(params.experts);  // >= per_token
  float* logits = mine.logits.reserve(padded);
  float* scores = mine.scores.reserve(padded);

  // `weights` holds the scores of the chosen until they are normalised.
  if (params.tid2eid != nullptr) {
    look_up(params, token, indices);
    std::sort(indices, indices + params.per_token);
    std::fill_n(logits, round_up(params.per_token), 0.0f);
    for (int64_t k = 0; k < params.per_token; ++k)
      logits[k] = row[indices[k]];
    router_scores(logits, params.per_token, scores);
    std::copy_n(scores, params.per_token, weights);
  } else {
    std::copy_n(row, params.experts, logits);
    std::fill(logits + params.experts, logits + padded, 0.0f);
    router_scores(logits, params.experts, scores);
    keep_best(params, scores, mine.keys.reserve(params.per_token), indices);
    std::sort(indices, indices + params.per_token);
    for (int64_t k = 0; k < params.per_token; ++k)
      weights[k] = scores[indices[k]];
  }

  float sum = 0;
  for (int64_t k = 0; k < params.per_token; ++k)
    sum += weights[k];
  for (int64_t k = 0; k < params.per_token; ++k)
    weights[k] = weights[k] / sum * params.scale;
}

}  // namespace

void router_cpu(const RouterParams& params, ThreadTeam& team) {
  constexpr int64_t kGrain = 8;  // a token is about a microsecond
  team.parallel_for(
      params.tokens, kGrain, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t token = begin; token < end; ++token)
          route_token(params, token);
      });
}

}  // namespace hadal
