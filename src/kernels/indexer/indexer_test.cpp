// The indexer: exact agreement with the reference where sums are exact, the
// right set elsewhere, and the same rows in every company.
#include "kernels/indexer/indexer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/case_tools.h"
#include "kernels/indexer/best_rows.h"
#include "kernels/indexer/indexer_cases.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

struct Selection {
  std::vector<int32_t> selected;
  std::vector<int32_t> counts;
  bool operator==(const Selection&) const = default;
};

// The chunk in parts of `part` tokens.
Selection select_parts(
    const IndexerInputs& inputs, ThreadTeam& team, int64_t part) {
  const IndexerCase& shape = inputs.shape();
  Selection result;
  result.selected.assign(shape.tokens * shape.top_k, -1);
  result.counts.assign(shape.tokens, -1);
  for (int64_t first = 0; first < shape.tokens; first += part)
    indexer_cpu(
        inputs.chunk(
            first,
            std::min(part, shape.tokens - first),
            result.selected.data() + first * shape.top_k,
            result.counts.data() + first),
        team);
  return result;
}

TEST(Indexer, AgreesWithTheReference) {
  Backend backend{};
  backend.indexer = indexer_cpu;
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_indexer(backend, team, checks);
  EXPECT_EQ(checks.size(), std::size(kIndexerCases) - 2);
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name;
}

// The scores of a token in double precision.
std::vector<double> exact_scores(const IndexerParams& params, int64_t token) {
  const int64_t visible = (params.first_position + token + 1) / params.ratio;
  std::vector<double> scores(visible, 0.0);
  std::vector<float> row(params.dim);
  for (int64_t s = 0; s < visible; ++s) {
    decode_row(
        params.rows.layout,
        params.rows.pages[s / params.rows.rows_per_page] +
            s % params.rows.rows_per_page * params.rows.layout.row_bytes(),
        row.data());
    for (int64_t h = 0; h < params.heads; ++h) {
      const int64_t query = token * params.heads + h;
      double dot = 0;
      for (int64_t i = 0; i < params.dim; ++i)
        dot += double{params.q[query * params.dim + i]} * row[i];
      scores[s] += params.weights[query] * std::max(dot, 0.0);
    }
  }
  return scores;
}

// With rounded sums, rows within the rounding of the cut may be exchanged, no
// others. Scores are sums of some thousand terms of size 1, in float32 off by
// less than 1e-3.
TEST(Indexer, SelectsTheBestOfNormalNumbers) {
  ThreadTeam team(2);
  for (const IndexerCase& shape : kIndexerCases) {
    if (shape.numbers != IndexerNumbers::normal)
      continue;
    const IndexerInputs inputs(shape);
    const Selection found = select_parts(inputs, team, shape.tokens);
    const IndexerParams params =
        inputs.chunk(0, shape.tokens, nullptr, nullptr);
    for (int64_t t = 0; t < shape.tokens; ++t) {
      const std::vector<double> scores = exact_scores(params, t);
      std::vector<double> sorted = scores;
      std::sort(sorted.rbegin(), sorted.rend());
      const double cut = sorted[shape.top_k - 1];
      ASSERT_EQ(found.counts[t], shape.top_k);
      const int32_t* rows = found.selected.data() + t * shape.top_k;
      std::vector<bool> chosen(scores.size(), false);
      for (int64_t k = 0; k < shape.top_k; ++k) {
        if (k > 0) {
          EXPECT_LT(rows[k - 1], rows[k]);
        }
        EXPECT_GE(scores[rows[k]], cut - 1e-3);
        chosen[rows[k]] = true;
      }
      for (size_t s = 0; s < scores.size(); ++s)
        if (!chosen[s]) {
          EXPECT_LE(scores[s], cut + 1e-3) << shape.name << " row " << s;
        }
    }
  }
}

TEST(Indexer, SameRowsInEveryCompany) {
  for (const IndexerCase& shape : kIndexerCases) {
    const IndexerInputs inputs(shape);
    ThreadTeam one(1);
    const Selection expected = select_parts(inputs, one, shape.tokens);
    for (const int threads : {1, 2, 3, 16}) {
      ThreadTeam team(threads);
      for (const int64_t part : {int64_t{1}, int64_t{7}, shape.tokens})
        EXPECT_EQ(expected, select_parts(inputs, team, part))
            << shape.name << ", threads " << threads << ", part " << part;
    }
    if (shape.heads < 64)  // slow without vectors
      for_each_target([&](const char* target) {
        EXPECT_EQ(expected, select_parts(inputs, one, shape.tokens))
            << shape.name << " on " << target;
      });
  }
}

TEST(Indexer, EqualScoresKeepTheLowestRows) {
  ThreadTeam team(2);
  for (const IndexerCase& shape : kIndexerCases) {
    if (shape.numbers != IndexerNumbers::equal)
      continue;
    const IndexerInputs inputs(shape);
    const Selection found = select_parts(inputs, team, shape.tokens);
    for (int64_t t = 0; t < shape.tokens; ++t)
      for (int64_t k = 0; k < shape.top_k; ++k)
        EXPECT_EQ(found.selected[t * shape.top_k + k], k);
  }
}

TEST(Indexer, TakesAllRowsWhileTheyFit) {
  ThreadTeam team(1);
  const IndexerCase& shape = kIndexerCases[4];  // from nothing, top_k 5
  const IndexerInputs inputs(shape);
  const Selection found = select_parts(inputs, team, shape.tokens);
  for (int64_t t = 0; t < shape.tokens; ++t) {
    const int64_t visible = (t + 1) / 4;
    EXPECT_EQ(found.counts[t], std::min<int64_t>(visible, 5));
    for (int64_t k = 0; k < found.counts[t] && visible <= 5; ++k)
      EXPECT_EQ(found.selected[t * 5 + k], k);
  }
}

// Any order of offers, any split, and many ties keep the same rows.
TEST(BestRows, StrictOrder) {
  RandomNumbers random(5);
  for (const int64_t top_k : {1, 2, 17, 100}) {
    std::vector<ScoredRow> rows;
    for (int32_t i = 0; i < 3000; ++i)
      rows.push_back({static_cast<float>(random.bits() % 50), i});
    std::vector<ScoredRow> sorted = rows;
    std::stable_sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) {
      return a.score > b.score;
    });
    std::vector<int32_t> expected;
    for (int64_t k = 0; k < top_k; ++k)
      expected.push_back(sorted[k].row);
    std::sort(expected.begin(), expected.end());
    for (int round = 0; round < 20; ++round) {
      std::vector<ScoredRow> room(BestRows::room_for(top_k));
      BestRows best(room.data(), top_k);
      best.offer(rows.data(), static_cast<int64_t>(rows.size()));
      std::vector<int32_t> found(top_k);
      EXPECT_EQ(best.finish(found.data()), top_k);
      EXPECT_EQ(found, expected);
      for (size_t i = rows.size() - 1; i > 0; --i)
        std::swap(rows[i], rows[random.bits() % (i + 1)]);
    }
  }
}

}  // namespace
}  // namespace hadal
