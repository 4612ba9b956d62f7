// The meaning of the router in plain scalar float32.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/router/router.h"

namespace hadal {
namespace {

float sqrt_softplus(float u) {
  const float softplus = u > 20.0f ? u : std::log1p(std::exp(u));
  return std::sqrt(softplus);
}

int32_t hashed_expert(const RouterParams& params, int64_t token, int64_t k) {
  const int64_t entry = params.token_ids[token] * params.per_token + k;
  if (params.tid2eid_is_64_bit)
    return static_cast<int32_t>(
        static_cast<const int64_t*>(params.tid2eid)[entry]);
  return static_cast<const int32_t*>(params.tid2eid)[entry];
}

// The ids of the `per_token` largest score + bias, in no particular order.
std::vector<int32_t> best_experts(
    const RouterParams& params, const std::vector<float>& score) {
  std::vector<int32_t> ids(score.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    return score[a] + params.bias[a] > score[b] + params.bias[b];
  });
  ids.resize(params.per_token);
  return ids;
}

void route_token(const RouterParams& params, int64_t token) {
  std::vector<float> score(params.experts);
  for (int64_t e = 0; e < params.experts; ++e)
    score[e] = sqrt_softplus(params.logits[token * params.experts + e]);

  std::vector<int32_t> chosen;
  if (params.tid2eid != nullptr) {
    for (int64_t k = 0; k < params.per_token; ++k)
      chosen.push_back(hashed_expert(params, token, k));
  } else {
    chosen = best_experts(params, score);
  }
  std::sort(chosen.begin(), chosen.end());

  float sum = 0;
  for (const int32_t e : chosen)
    sum += score[e];
  for (int64_t k = 0; k < params.per_token; ++k) {
    params.indices[token * params.per_token + k] = chosen[k];
    params.weights[token * params.per_token + k] =
        score[chosen[k]] / sum * params.scale;
  }
}

}  // namespace

void router_reference(const RouterParams& params, ThreadTeam& team) {
  team.parallel_for(
      params.tokens, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t token = begin; token < end; ++token)
          route_token(params, token);
      });
}

}  // namespace hadal
