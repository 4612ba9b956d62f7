// The indexer: exact agreement with the reference where sums are exact, the
// right set elsewhere, and the same rows in every company.
#include "kernels/indexer/indexer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
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
  EXPECT_EQ(
      static_cast<int64_t>(checks.size()),
      std::count_if(
          std::begin(kIndexerCases), std::end(kIndexerCases), has_exact_sums));
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name;
}

// The token's queries, rounded where the rows are FP4.
std::vector<float> rounded_queries(const IndexerParams& params, int64_t token) {
  const float* q = params.q + token * params.heads * params.dim;
  std::vector<float> queries(q, q + params.heads * params.dim);
  if (params.rows.layout.format != RowFormat::fp4)
    return queries;
  const RowLayout layout{RowFormat::fp4, params.dim, 0};
  std::vector<std::byte> row(layout.row_bytes());
  for (int64_t h = 0; h < params.heads; ++h) {
    encode_row(layout, queries.data() + h * params.dim, row.data());
    decode_row(layout, row.data(), queries.data() + h * params.dim);
  }
  return queries;
}

// The scores of a token in double precision.
std::vector<double> exact_scores(const IndexerParams& params, int64_t token) {
  const int64_t visible = (params.first_position + token + 1) / params.ratio;
  const std::vector<float> queries = rounded_queries(params, token);
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
        dot += double{queries[h * params.dim + i]} * row[i];
      scores[s] += params.weights[query] * std::max(dot, 0.0);
    }
  }
  return scores;
}

// With rounded sums, rows within the rounding of the cut may be exchanged, no
// others. Scores are sums of some thousand terms, in float32 off by less than
// 1e-5 of the largest score, which is of the size of these terms.
TEST(Indexer, SelectsTheBestOfNormalNumbers) {
  ThreadTeam team(2);
  for (const IndexerCase& shape : kIndexerCases) {
    if (has_exact_sums(shape))
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
      const double rounding = 1e-5 * std::max(sorted.front(), -sorted.back());
      ASSERT_EQ(found.counts[t], shape.top_k);
      const int32_t* rows = found.selected.data() + t * shape.top_k;
      std::vector<bool> chosen(scores.size(), false);
      for (int64_t k = 0; k < shape.top_k; ++k) {
        if (k > 0) {
          EXPECT_LT(rows[k - 1], rows[k]);
        }
        EXPECT_GE(scores[rows[k]], cut - rounding);
        chosen[rows[k]] = true;
      }
      for (size_t s = 0; s < scores.size(); ++s)
        if (!chosen[s]) {
          EXPECT_LE(scores[s], cut + rounding) << shape.name << " row " << s;
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
    std::vector<RowKey> keys;
    for (int64_t row = 0; row < 3000; ++row)
      keys.push_back(
          row_key(static_cast<float>(random.bits() % 50) - 25.0f, row));
    std::vector<RowKey> sorted = keys;
    std::sort(sorted.rbegin(), sorted.rend());
    std::vector<int32_t> expected;
    for (int64_t k = 0; k < top_k; ++k)
      expected.push_back(static_cast<int32_t>(row_of(sorted[k])));
    std::sort(expected.begin(), expected.end());
    std::vector<uint64_t> bits(BestRows::bits_for(3000));
    for (int round = 0; round < 20; ++round) {
      std::vector<RowKey> room(BestRows::room_for(top_k));
      BestRows best(room.data(), top_k);
      best.offer(keys.data(), static_cast<int64_t>(keys.size()));
      std::vector<int32_t> found(top_k);
      EXPECT_EQ(best.finish(3000, bits.data(), found.data()), top_k);
      EXPECT_EQ(found, expected);
      for (size_t i = keys.size() - 1; i > 0; --i)
        std::swap(keys[i], keys[random.bits() % (i + 1)]);
    }
  }
}

TEST(BestRows, OffersOfScoresAndKeysAgree) {
  RandomNumbers random(6);
  std::vector<float> scores(2000);
  for (float& score : scores)
    score = static_cast<float>(random.bits() % 400) * 0.5f - 100.0f;
  std::vector<int32_t> found[2];
  for (int way = 0; way < 2; ++way) {
    std::vector<RowKey> room(BestRows::room_for(33));
    BestRows best(room.data(), 33);
    for (int64_t first = 0; first < 2000; first += 40) {
      std::vector<RowKey> keys;
      for (int64_t row = first; row < first + 40; ++row)
        keys.push_back(row_key(scores[row], row));
      if (way == 0)
        best.offer(first, scores.data() + first, 40);
      else
        best.offer(keys.data(), 40);
    }
    std::vector<uint64_t> bits(BestRows::bits_for(2000));
    found[way].resize(33);
    EXPECT_EQ(best.finish(2000, bits.data(), found[way].data()), 33);
  }
  EXPECT_EQ(found[0], found[1]);
}

TEST(BestRows, KeysOrderScoresThenRows) {
  const float scores[] = {-INFINITY, -3.0f, -1e-40f, 0.0f, 1e-40f, 2.0f};
  for (size_t i = 1; i < std::size(scores); ++i)
    EXPECT_LT(row_key(scores[i - 1], 0), row_key(scores[i], 1000000));
  EXPECT_GT(row_key(1.0f, 3), row_key(1.0f, 4));
  EXPECT_GT(row_key(-0.0f, 3), row_key(0.0f, 4));
  EXPECT_GT(row_key(0.0f, 3), row_key(-0.0f, 4));
  EXPECT_EQ(row_of(row_key(-2.0f, 123456)), 123456);
}

}  // namespace
}  // namespace hadal
