#include "kernels/experts/expert_visits.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace hadal {
namespace {

// Experts without values: the plan looks at shapes only.
struct Layer {
  std::vector<WeightView> gate;
  std::vector<int32_t> indices;
  std::vector<float> weights;
  ExpertsParams params;

  Layer(int64_t experts, int64_t per_token, std::vector<int32_t> ids)
      : gate(
            static_cast<size_t>(experts),
            WeightView{.rows = 100, .cols = 64, .row_bytes = 256}),
        indices(std::move(ids)),
        weights(indices.size()) {
    std::iota(weights.begin(), weights.end(), 1.0F);
    params.tokens = static_cast<int64_t>(indices.size()) / per_token;
    params.per_token = per_token;
    params.indices = indices.data();
    params.weights = weights.data();
    params.experts = {gate.data(), gate.data(), gate.data(), experts};
  }
};

TEST(VisitPlan, SortsPairsByExpertAndSharedLast) {
  Layer layer(4, 2, {3, 0, 0, 2, 3, 3});
  static const std::byte data{};
  layer.params.shared_gate = {.rows = 100, .data = &data};
  VisitPlan plan;
  plan.make(layer.params);
  ASSERT_TRUE(plan.next_piece());
  const auto& visits = plan.visits();
  ASSERT_EQ(visits.size(), 4);
  EXPECT_EQ(visits[0].gate, &layer.gate[0]);
  EXPECT_EQ(visits[1].gate, &layer.gate[2]);
  EXPECT_EQ(visits[2].gate, &layer.gate[3]);
  EXPECT_TRUE(visits[3].shared);
  const std::vector<int32_t> tokens(plan.tokens(), plan.tokens() + 9);
  const std::vector<float> weights(plan.weights(), plan.weights() + 9);
  EXPECT_EQ(tokens, (std::vector<int32_t>{0, 1, 1, 0, 2, 2, 0, 1, 2}));
  EXPECT_EQ(weights, (std::vector<float>{2, 3, 4, 1, 5, 6, 1, 1, 1}));
  EXPECT_FALSE(plan.next_piece());
}

TEST(VisitPlan, PiecesKeepExpertsWhole) {
  constexpr int64_t kMost = VisitPlan::kMaxPairs;
  // Experts with 300, 300, none, kMost, 2 * kMost + 5 and 7 pairs.
  const std::vector<int64_t> counts = {300, 300, 0, kMost, 2 * kMost + 5, 7};
  std::vector<int32_t> ids;
  for (size_t e = 0; e < counts.size(); ++e)
    ids.insert(
        ids.end(), static_cast<size_t>(counts[e]), static_cast<int32_t>(e));
  Layer layer(static_cast<int64_t>(counts.size()), 1, ids);
  VisitPlan plan;
  plan.make(layer.params);
  std::vector<std::vector<int64_t>> pieces;
  int64_t next = 0;
  while (plan.next_piece()) {
    pieces.emplace_back();
    for (const ExpertVisit& visit : plan.visits()) {
      EXPECT_EQ(visit.begin, next);
      next = visit.end;
      pieces.back().push_back(visit.pairs());
    }
  }
  EXPECT_EQ(next, layer.params.tokens);
  EXPECT_EQ(
      pieces,
      (std::vector<std::vector<int64_t>>{
          {300}, {300}, {kMost}, {kMost}, {kMost}, {5, 7}}));
}

TEST(VisitCosts, RangesCoverEveryRowOnce) {
  std::vector<WeightView> gates;
  for (int64_t rows : {1, 32, 33, 2048, 50})
    gates.push_back(
        {.format = WeightFormat::mxfp4,
         .rows = rows,
         .cols = 4096,
         .row_bytes = 2048});
  std::vector<ExpertVisit> visits;
  int64_t pairs = 1;
  for (const WeightView& gate : gates) {
    visits.push_back({&gate, &gate, &gate, false, 0, pairs});
    pairs *= 7;
  }
  VisitCosts costs;
  costs.make(visits);
  for (int64_t ranges : {1, 2, 3, 17, 1000}) {
    std::vector<int64_t> next(visits.size(), 0);
    for (int64_t i = 0; i < ranges; ++i)
      costs.for_each_run(
          costs.total() * i / ranges,
          costs.total() * (i + 1) / ranges,
          [&](size_t v, int64_t r0, int64_t r1) {
            ASSERT_EQ(r0, next[v]);
            ASSERT_LT(r0, r1);
            ASSERT_EQ(r0 % VisitCosts::kBlockRows, 0);
            next[v] = r1;
          });
    for (size_t v = 0; v < visits.size(); ++v)
      ASSERT_EQ(next[v], gates[v].rows);
  }
}

}  // namespace
}  // namespace hadal
