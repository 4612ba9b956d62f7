// The router: the numbers of spec A.3, the choice and its ties, the CPU against
// the reference, and the same bits in every company.
#include "kernels/router/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/case_tools.h"
#include "kernels/router/router_cases.h"
#include "kernels/router/router_scores.h"

namespace hadal {
namespace {

using RouterFunction = void (*)(const RouterParams&, ThreadTeam&);

struct Route {
  std::vector<int32_t> indices;
  std::vector<float> weights;
  bool operator==(const Route&) const = default;
};

Route route_one(
    RouterFunction function,
    const std::vector<float>& logits,
    const std::vector<float>& bias,
    int64_t per_token,
    float scale) {
  Route result;
  result.indices.resize(per_token);
  result.weights.resize(per_token);
  RouterParams params;
  params.logits = logits.data();
  params.tokens = 1;
  params.experts = static_cast<int64_t>(logits.size());
  params.per_token = per_token;
  params.bias = bias.data();
  params.scale = scale;
  params.indices = result.indices.data();
  params.weights = result.weights.data();
  ThreadTeam team(1);
  function(params, team);
  return result;
}

TEST(Router, ScoresOfTheSpec) {
  for_each_target([](const char* target) {
    std::vector<float> scores(16);
    std::vector<float> logits(16);
    logits = {-2.0f, 0.0f, 1.5f, 25.0f, 20.0f, 100.0f, -90.0f, -200.0f};
    logits.resize(16);
    router_scores(logits.data(), 8, scores.data());
    EXPECT_NEAR(scores[0], 0.35626958, 1e-7) << target;
    EXPECT_NEAR(scores[1], 0.83255461, 1e-7) << target;
    EXPECT_NEAR(scores[2], 1.30438232, 2e-7) << target;
    EXPECT_EQ(scores[3], 5.0f) << target;
    EXPECT_NEAR(scores[4], std::sqrt(20.0), 5e-7) << target;
    EXPECT_EQ(scores[5], 10.0f) << target;
    EXPECT_NEAR(scores[6] / std::exp(-45.0), 1.0, 1e-6) << target;
    EXPECT_EQ(scores[7], 0.0f) << target;
  });
}

// All experts chosen: the weights are the scores over their sum, times scale.
TEST(Router, WeightsOfTheSpec) {
  const double scores[4] = {0.35626958, 0.83255461, 1.30438232, 5.0};
  const double sum = scores[0] + scores[1] + scores[2] + scores[3];
  for (const RouterFunction function : {router_reference, router_cpu}) {
    const Route route = route_one(
        function, {-2.0f, 0.0f, 1.5f, 25.0f}, {9.0f, 0, -9.0f, 1.0f}, 4, 2.5f);
    EXPECT_EQ(route.indices, (std::vector<int32_t>{0, 1, 2, 3}));
    for (int k = 0; k < 4; ++k)
      EXPECT_NEAR(route.weights[k], scores[k] / sum * 2.5, 5e-7);
  }
}

TEST(Router, TheBiasChoosesButDoesNotWeigh) {
  for (const RouterFunction function : {router_reference, router_cpu}) {
    const Route route = route_one(
        function, {3.0f, 0.0f, 2.0f, 0.0f}, {0.0f, 5.0f, 0.0f, -1.0f}, 2, 1.0f);
    EXPECT_EQ(route.indices, (std::vector<int32_t>{0, 1}));
    const double r0 = std::sqrt(std::log1p(std::exp(3.0)));
    const double r1 = std::sqrt(std::log(2.0));
    EXPECT_NEAR(route.weights[0], r0 / (r0 + r1), 3e-7);
    EXPECT_NEAR(route.weights[1], r1 / (r0 + r1), 3e-7);
  }
}

TEST(Router, EqualScoresTakeTheLowestIds) {
  for (const RouterFunction function : {router_reference, router_cpu}) {
    const Route equal = route_one(
        function,
        std::vector<float>(20, 0.5f),
        std::vector<float>(20, 0.0f),
        3,
        1.0f);
    EXPECT_EQ(equal.indices, (std::vector<int32_t>{0, 1, 2}));
    std::vector<float> logits(20, 0.5f);
    logits[17] = 1.0f;
    const Route one_better =
        route_one(function, logits, std::vector<float>(20, 0.0f), 3, 1.0f);
    EXPECT_EQ(one_better.indices, (std::vector<int32_t>{0, 1, 17}));
  }
}

TEST(Router, AgreesWithTheReference) {
  Backend backend{};
  backend.router = router_cpu;
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_router(backend, team, checks);
  EXPECT_EQ(checks.size(), std::size(kRouterCases));
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name << ": " << check.max_error << " > "
                          << check.tolerance;
}

Route route_parts(const RouterInputs& inputs, ThreadTeam& team, int64_t part) {
  const RouterCase& shape = inputs.shape();
  Route result;
  result.indices.resize(shape.tokens * shape.per_token);
  result.weights.resize(shape.tokens * shape.per_token);
  for (int64_t first = 0; first < shape.tokens; first += part)
    router_cpu(
        inputs.part(
            first,
            std::min(part, shape.tokens - first),
            result.indices.data() + first * shape.per_token,
            result.weights.data() + first * shape.per_token),
        team);
  return result;
}

TEST(Router, SameBitsInEveryCompany) {
  for (const RouterCase& shape : kRouterCases) {
    const RouterInputs inputs(shape);
    ThreadTeam one(1);
    const Route expected = route_parts(inputs, one, shape.tokens);
    for (const int threads : {1, 2, 3}) {
      ThreadTeam team(threads);
      for (const int64_t part : {int64_t{1}, int64_t{5}, shape.tokens})
        EXPECT_EQ(expected, route_parts(inputs, team, part))
            << shape.name << ", threads " << threads << ", part " << part;
    }
    for_each_target([&](const char* target) {
      EXPECT_EQ(expected, route_parts(inputs, one, shape.tokens))
          << shape.name << " on " << target;
    });
  }
}

}  // namespace
}  // namespace hadal
