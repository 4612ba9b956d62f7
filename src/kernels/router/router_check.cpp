// The inputs of the router cases, and a backend's router against the reference
// on them.
#include "kernels/case_tools.h"
#include "kernels/random_weight.h"
#include "kernels/router/router.h"
#include "kernels/router/router_cases.h"

namespace hadal {
namespace {

constexpr int64_t kVocabulary = 50;

// Indices (exact as floats) and weights. A wrong index is an error of at least
// one, far above the tolerance.
std::vector<float> route(
    const RouterInputs& inputs,
    void (*router)(const RouterParams&, ThreadTeam&),
    ThreadTeam& team) {
  const RouterCase& shape = inputs.shape();
  std::vector<int32_t> indices(shape.tokens * shape.per_token, -1);
  std::vector<float> weights(indices.size());
  router(inputs.part(0, shape.tokens, indices.data(), weights.data()), team);
  std::vector<float> all(indices.begin(), indices.end());
  all.insert(all.end(), weights.begin(), weights.end());
  return all;
}

}  // namespace

RouterInputs::RouterInputs(const RouterCase& shape) : shape_(shape) {
  const int64_t count = shape.tokens * shape.experts;
  RandomNumbers random(4);
  if (shape.kind == RouterKind::tied) {
    // Few different values, so that most experts are equal to others.
    for (int64_t i = 0; i < count; ++i)
      logits_.push_back(static_cast<float>(random.bits() % 3));
    bias_.assign(shape.experts, 0.125f);
  } else {
    logits_ = random_values(count, 1, shape.logit_size);
    bias_ = random_values(shape.experts, 2, 0.3f);
  }
  for (int64_t t = 0; t < shape.tokens; ++t)
    token_ids_.push_back(static_cast<int32_t>(random.bits() % kVocabulary));
  // Rows of different ids: steps of 5 around the experts, which 5 does not
  // divide.
  for (int64_t token = 0; token < kVocabulary; ++token)
    for (int64_t k = 0; k < shape.per_token; ++k)
      table64_.push_back((token * 7 + k * 5) % shape.experts);
  table32_.assign(table64_.begin(), table64_.end());
}

RouterParams RouterInputs::part(
    int64_t first, int64_t count, int32_t* indices, float* weights) const {
  RouterParams params;
  params.logits = logits_.data() + first * shape_.experts;
  params.tokens = count;
  params.experts = shape_.experts;
  params.per_token = shape_.per_token;
  params.scale = 1.5f;
  params.indices = indices;
  params.weights = weights;
  params.token_ids = token_ids_.data() + first;
  if (shape_.kind == RouterKind::hash64) {
    params.tid2eid = table64_.data();
  } else if (shape_.kind == RouterKind::hash32) {
    params.tid2eid = table32_.data();
    params.tid2eid_is_64_bit = false;
  } else {
    params.bias = bias_.data();
  }
  return params;
}

void check_router(
    const Backend& backend, ThreadTeam& team, std::vector<KernelCheck>& out) {
  for (const RouterCase& shape : kRouterCases) {
    const RouterInputs inputs(shape);
    out.push_back(check_case(
        "router",
        shape.name,
        kRouterFloor,
        kRouterTolerance,
        [&] { return route(inputs, router_reference, team); },
        [&] { return route(inputs, backend.router, team); }));
  }
}

}  // namespace hadal
