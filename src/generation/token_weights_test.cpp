// The vector passes give what the plain functions give, to the bit, on every
// instruction set and for every length.
#include "generation/token_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "generation/candidates.h"
#include "generation/probability_weight.h"
#include "kernels/case_targets.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kCounts[] = {1, 7, 16, 63, 64, 65, 1024, 1025, 5000};

// Logits with ties, excluded tokens, and such that weigh nothing.
std::vector<float> logits_of(int64_t count, float size) {
  std::vector<float> logits = random_values(count, 7, size);
  for (int64_t i = 3; i < count; i += 11)
    logits[static_cast<size_t>(i)] = -kInfinity;
  for (int64_t i = 5; i < count; i += 13)
    logits[static_cast<size_t>(i)] = logits[0];
  for (int64_t i = 6; i < count; i += 17)
    logits[static_cast<size_t>(i)] = -900;
  return logits;
}

TEST(TokenWeights, CopyFindsWhatIsNoLogit) {
  for_each_target([](const char* target) {
    for (const int64_t count : kCounts) {
      const std::vector<float> logits = logits_of(count, 5);
      std::vector<float> copy(logits.size());
      EXPECT_TRUE(copy_logits(logits.data(), count, copy.data())) << target;
      EXPECT_EQ(copy, logits) << target;
      for (const float bad : {std::nanf(""), kInfinity})
        for (const int64_t place : {int64_t{0}, count / 2, count - 1}) {
          std::vector<float> broken = logits;
          broken[static_cast<size_t>(place)] = bad;
          EXPECT_FALSE(copy_logits(broken.data(), count, copy.data()))
              << target << ", " << place << " of " << count;
        }
    }
  });
}

TEST(TokenWeights, Maxima) {
  for_each_target([](const char* target) {
    for (const int64_t count : kCounts) {
      const std::vector<float> logits = logits_of(count, 5);
      std::vector<float> maxima(static_cast<size_t>(token_blocks(count)));
      block_maxima(logits.data(), count, maxima.data());
      for (size_t b = 0; b < maxima.size(); ++b) {
        const auto first = logits.begin() + static_cast<int64_t>(b) * 64;
        const auto last = std::min(first + 64, logits.end());
        EXPECT_EQ(maxima[b], *std::max_element(first, last)) << target;
      }
    }
  });
}

TEST(TokenWeights, WeightsAndPowersAreThoseOfThePlainFunctions) {
  for_each_target([](const char* target) {
    for (const int64_t count : kCounts)
      for (const float size : {0.0F, 3.0F, 40.0F, 400.0F})
        for (const double scale : {kLog2E, kLog2E / 0.3, kLog2E / 50}) {
          const std::vector<float> logits = logits_of(count, size);
          const double highest =
              *std::max_element(logits.begin(), logits.end());
          TokenWeights tokens;
          std::vector<double> powers(logits.size());
          weigh_tokens(logits, highest, scale, tokens);
          token_powers(logits.data(), count, highest, scale, powers.data());
          for (size_t i = 0; i < logits.size(); ++i) {
            const double ratio =
                (static_cast<double>(logits[i]) - highest) * scale;
            ASSERT_EQ(tokens.weights[i], weight_of(ratio))
                << target << ", " << i;
            ASSERT_EQ(powers[i], power_of_two(ratio)) << target << ", " << i;
          }
          for (int64_t b = 0; b < token_blocks(count); ++b) {
            const auto first = tokens.weights.begin() + b * kTokenBlock;
            const auto last =
                std::min(first + kTokenBlock, tokens.weights.end());
            const auto block = static_cast<size_t>(b);
            EXPECT_EQ(
                tokens.sums[block], std::accumulate(first, last, uint64_t{0}))
                << target;
            EXPECT_EQ(tokens.peaks[block], *std::max_element(first, last))
                << target;
          }
        }
  });
}

// Against a full sort; the counts go beyond the number of blocks.
TEST(Candidates, TheBestOfManyTies) {
  for (const int64_t size : {1, 64, 300, 5000}) {
    std::vector<float> logits = random_values(size, 9, 3);
    for (float& logit : logits)
      logit = std::round(logit * 4);
    std::vector<float> maxima(static_cast<size_t>(token_blocks(size)));
    block_maxima(logits.data(), size, maxima.data());
    std::vector<int32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
    });
    for (const int64_t count : {1, 2, 5, 40, 78, 79, 80, 200, 4999, 6000}) {
      std::vector<int32_t> expected(
          order.begin(), order.begin() + std::min(count, size));
      std::sort(expected.begin(), expected.end());
      std::vector<Candidate> best;
      collect_best(logits, maxima, count, best);
      std::vector<int32_t> found;
      for (const Candidate& candidate : best)
        found.push_back(candidate.id);
      EXPECT_EQ(found, expected) << count << " of " << size;
    }
  }
}

// Against sums over a full sort.
TEST(Candidates, TheFewestThatWeighEnough) {
  for (const float size : {0.0F, 0.1F, 3.0F, 30.0F}) {
    const std::vector<float> logits = logits_of(3000, size);
    const double highest = *std::max_element(logits.begin(), logits.end());
    std::vector<Candidate> all;
    for (size_t i = 0; i < logits.size(); ++i)
      all.push_back(
          {logits[i],
           static_cast<int32_t>(i),
           weight_of((static_cast<double>(logits[i]) - highest) * kLog2E)});
    std::vector<Candidate> sorted = all;
    std::sort(sorted.begin(), sorted.end(), better);
    const uint64_t total = total_weight(all);
    TokenWeights tokens;
    weigh_tokens(logits, highest, kLog2E, tokens);
    for (const float p : {1e-20F, 0.1F, 0.5F, 0.95F, 0.999F, 1.0F}) {
      const uint64_t wanted = wanted_weight(p, total);
      size_t kept = 0;
      for (uint64_t sum = 0; sum < wanted; ++kept)
        sum += sorted[kept].weight;
      const Candidate& last = sorted[kept - 1];
      std::vector<Candidate> scratch = all;
      EXPECT_EQ(last_needed(scratch, wanted).id, last.id) << size << ", " << p;
      Cut cut{.last = last_needed(logits, tokens, wanted, scratch)};
      EXPECT_EQ(cut.last.id, last.id) << size << ", " << p;

      // What stays, with and without a least weight.
      for (const uint64_t least : {uint64_t{0}, sorted[kept / 2].weight}) {
        cut.least = least;
        TokenWeights summed = tokens;
        sum_kept(logits, cut, summed);
        uint64_t before = 0;
        for (const Candidate& candidate : all) {
          if (better(last, candidate) || candidate.weight < least ||
              candidate.weight == 0)
            continue;
          EXPECT_EQ(token_at(logits, cut, summed, before), candidate.id);
          before += candidate.weight;
          EXPECT_EQ(token_at(logits, cut, summed, before - 1), candidate.id);
        }
        EXPECT_EQ(
            before,
            std::accumulate(
                summed.sums.begin(), summed.sums.end(), uint64_t{0}));
      }
    }
  }
}

}  // namespace
}  // namespace hadal
