#include "generation/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "generation/probability_weight.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_logits(uint64_t seed, size_t count, double spread) {
  std::mt19937_64 random(seed);
  std::vector<float> logits;
  for (size_t i = 0; i < count; ++i) {
    // In steps, so that ties occur.
    const double x = static_cast<double>(random() % 4096) / 4096;
    logits.push_back(static_cast<float>(x * spread));
  }
  return logits;
}

Sampler make_sampler(
    SamplingOptions options,
    size_t vocabulary,
    const std::vector<int32_t>& prompt = {}) {
  if (!options.seed)
    options.seed = 42;
  return Sampler(options, static_cast<int64_t>(vocabulary), prompt);
}

// Every token that 'count' draws give.
std::map<int32_t, int64_t> draw(
    Sampler& sampler, std::span<const float> logits, int64_t count) {
  std::map<int32_t, int64_t> counts;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t token = sampler.sample(logits).token;
    ++counts[token];
    sampler.accept(token);
  }
  return counts;
}

// The meaning of the filters, with a full sort: the probability of each token
// that survives.
std::map<int32_t, double> filtered(
    const std::vector<float>& logits, const SamplingOptions& options) {
  struct Entry {
    float logit;
    int32_t id;
    uint64_t weight;
  };
  const float highest = *std::max_element(logits.begin(), logits.end());
  std::vector<Entry> entries;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double below = (static_cast<double>(logits[i]) - highest) *
                         (kLog2E / static_cast<double>(options.temperature));
    entries.push_back({logits[i], static_cast<int32_t>(i), weight_of(below)});
  }
  std::stable_sort(
      entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return a.logit > b.logit;
      });
  if (options.top_k > 0 && options.top_k < static_cast<int64_t>(entries.size()))
    entries.resize(static_cast<size_t>(options.top_k));
  const auto total = [&] {
    uint64_t sum = 0;
    for (const Entry& entry : entries)
      sum += entry.weight;
    return sum;
  };
  if (options.top_p < 1) {
    const double wanted =
        static_cast<double>(options.top_p) * static_cast<double>(total());
    uint64_t sum = 0;
    size_t kept = 0;
    while (kept == 0 || static_cast<double>(sum) < wanted)
      sum += entries[kept++].weight;
    entries.resize(kept);
  }
  std::erase_if(entries, [&](const Entry& entry) {
    return static_cast<double>(entry.weight) <
           static_cast<double>(options.min_p) *
               static_cast<double>(kFullWeight);
  });
  std::map<int32_t, double> result;
  for (const Entry& entry : entries) {
    if (entry.weight > 0) {
      result[entry.id] =
          static_cast<double>(entry.weight) / static_cast<double>(total());
    }
  }
  return result;
}

void expect_error(ErrorCode code, const std::string& text, const auto& call) {
  try {
    call();
    ADD_FAILURE() << "expected an Error with: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos)
        << error.what();
  }
}

// --- weights

TEST(ProbabilityWeight, PowersOfTwo) {
  EXPECT_EQ(power_of_two(0), 1.0);
  EXPECT_EQ(power_of_two(-1), 0.5);
  EXPECT_EQ(power_of_two(-1000), std::ldexp(1.0, -1000));
  EXPECT_EQ(power_of_two(-1001), 0.0);
  EXPECT_EQ(power_of_two(-std::numeric_limits<double>::infinity()), 0.0);
  for (int i = 0; i < 5000; ++i) {
    const double y = -0.0123456789 * i;
    EXPECT_NEAR(power_of_two(y) / std::exp2(y), 1.0, 1e-15) << y;
  }
}

TEST(ProbabilityWeight, WholeNumbers) {
  EXPECT_EQ(weight_of(0), kFullWeight);
  EXPECT_EQ(weight_of(-44), 1U);
  EXPECT_EQ(weight_of(-45), 1U);  // half, rounded up
  EXPECT_EQ(weight_of(-45.001), 0U);
  EXPECT_EQ(weight_of(-std::numeric_limits<double>::infinity()), 0U);
}

// --- greedy

TEST(Sampler, GreedyTakesTheHighestAndTheLowerIdOfTwo) {
  Sampler sampler = make_sampler({.temperature = 0}, 5);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 3, 2, 3, 0}).token, 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-5, -3, -2, -2, -9}).token, 2);
  EXPECT_EQ(
      sampler
          .sample(std::vector<float>{
              -kInfinity, -kInfinity, -kInfinity, -1000, -kInfinity})
          .token,
      3);
  EXPECT_EQ(sampler.sample(std::vector<float>(5, 0.0F)).token, 0);
}

// --- filters

TEST(Sampler, GreedyOnceWhereTheCallerSaysSo) {
  const std::vector<float> logits = {1.0F, 1.5F, 1.25F};
  Sampler sampler = make_sampler({.temperature = 2}, logits.size());
  const std::map<int32_t, int64_t> drawn = draw(sampler, logits, 100);
  EXPECT_EQ(drawn.size(), 3U);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(sampler.sample(logits, {}, {}, true).token, 1);
    sampler.accept(1);
  }
  const int32_t banned = 1;
  EXPECT_EQ(sampler.sample(logits, {}, {&banned, 1}, true).token, 2);
}

TEST(Sampler, FiltersKeepWhatTheDefinitionKeeps) {
  std::mt19937_64 random(5);
  for (int trial = 0; trial < 200; ++trial) {
    const size_t vocabulary = 1 + random() % 60;
    const double spread = std::vector<double>{0, 0.01, 3, 20}[random() % 4];
    const auto logits = random_logits(random(), vocabulary, spread);
    SamplingOptions options;
    options.temperature = std::vector<float>{0.3F, 1, 2}[random() % 3];
    if (random() % 2 == 0)
      options.top_k = static_cast<int64_t>(1 + random() % 70);
    if (random() % 2 == 0)
      options.top_p = static_cast<float>(1 + random() % 100) / 100;
    if (random() % 2 == 0)
      options.min_p = static_cast<float>(random() % 101) / 100;
    options.seed = random();
    const std::map<int32_t, double> expected = filtered(logits, options);
    Sampler sampler = make_sampler(options, vocabulary);
    constexpr int64_t kDraws = 400;
    const auto counts = draw(sampler, logits, kDraws);
    for (const auto& [id, count] : counts)
      EXPECT_TRUE(expected.count(id) == 1)
          << "token " << id << " trial " << trial;
    for (const auto& [id, probability] : expected) {
      // A token of this probability is missed with a chance of e^-25.
      if (probability * kDraws > 25) {
        EXPECT_TRUE(counts.count(id) == 1)
            << "token " << id << " trial " << trial;
      }
    }
  }
}

// The exact border: everything that survives is drawn, nothing else.
TEST(Sampler, FilterBorders) {
  const std::vector<float> equal(8, 1.0F);
  const auto survivors = [&](const SamplingOptions& options,
                             const std::vector<float>& logits) {
    Sampler sampler = make_sampler(options, logits.size());
    std::set<int32_t> ids;
    for (const auto& [id, count] : draw(sampler, logits, 500))
      ids.insert(id);
    return ids;
  };
  using Ids = std::set<int32_t>;
  EXPECT_EQ(survivors({.top_k = 3}, equal), (Ids{0, 1, 2}));
  EXPECT_EQ(survivors({.top_k = 1}, equal), (Ids{0}));
  EXPECT_EQ(survivors({.top_k = 8}, equal).size(), 8U);
  EXPECT_EQ(survivors({.top_k = 9}, equal).size(), 8U);
  EXPECT_EQ(survivors({.top_p = 0.5F}, equal), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(survivors({.top_p = 0.51F}, equal), (Ids{0, 1, 2, 3, 4}));
  EXPECT_EQ(survivors({.top_p = 1e-30F}, equal), (Ids{0}));
  EXPECT_EQ(survivors({.min_p = 1}, equal).size(), 8U);
  const std::vector<float> halves = {
      0, std::log(2.0F), std::log(8.0F), std::log(4.0F)};  // 1 2 8 4
  EXPECT_EQ(survivors({.min_p = 0.49F}, halves), (Ids{2, 3}));
  EXPECT_EQ(survivors({.min_p = 0.51F}, halves), (Ids{2}));
  EXPECT_EQ(survivors({.top_p = 0.53F}, halves), (Ids{2}));
  EXPECT_EQ(survivors({.top_p = 0.54F}, halves), (Ids{2, 3}));
  // top_p looks at what top_k left: 8 of 12 is two thirds.
  EXPECT_EQ(survivors({.top_k = 2, .top_p = 0.66F}, halves), (Ids{2}));
  EXPECT_EQ(survivors({.top_k = 2, .top_p = 0.67F}, halves), (Ids{2, 3}));
}

TEST(Sampler, OneTokenIsLeft) {
  std::vector<float> logits(100, -kInfinity);
  logits[77] = -50;
  for (const SamplingOptions& options : {
           SamplingOptions{},
           SamplingOptions{.temperature = 0},
           SamplingOptions{.top_k = 5, .top_p = 0.1F, .min_p = 0.5F},
       })
    EXPECT_EQ(make_sampler(options, 100).sample(logits).token, 77);
}

// --- the draw

// Chi-square over fixed seeds: the limit is the 0.9999 quantile.
TEST(Sampler, DrawsFollowTheDistribution) {
  const std::vector<float> logits = {0.5F, 2, 1, -1, 0, 1.5F, -3, 0.25F};
  for (const float temperature : {0.5F, 1.0F, 2.0F}) {
    SamplingOptions options = {.temperature = temperature};
    const auto expected = filtered(logits, options);
    Sampler sampler = make_sampler(options, logits.size());
    constexpr int64_t kDraws = 200000;
    auto counts = draw(sampler, logits, kDraws);
    double chi_square = 0;
    for (const auto& [id, probability] : expected) {
      const double mean = probability * kDraws;
      const double difference = static_cast<double>(counts[id]) - mean;
      chi_square += difference * difference / mean;
    }
    EXPECT_LT(chi_square, 29.9) << "temperature " << temperature;
    EXPECT_GT(chi_square, 0.3) << "suspiciously good";
  }
}

// The tokens also come out of a separate implementation with a full sort, the
// system's exp and floating-point sums.
TEST(Sampler, ASeedGivesTheSameTokensEverywhere) {
  const auto logits = random_logits(9, 1000, 8);
  const auto run = [&](const SamplingOptions& options) {
    Sampler sampler = make_sampler(options, 1000);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 8; ++i) {
      tokens.push_back(sampler.sample(logits).token);
      sampler.accept(tokens.back());
    }
    return tokens;
  };
  EXPECT_EQ(
      run({.seed = 1}),
      (std::vector<int32_t>{865, 854, 522, 46, 646, 278, 123, 446}));
  EXPECT_EQ(
      run({.seed = 2}),
      (std::vector<int32_t>{477, 223, 963, 548, 40, 116, 300, 114}));
  EXPECT_EQ(
      run({.temperature = 0.7F, .top_p = 0.9F, .seed = 1}),
      (std::vector<int32_t>{858, 839, 500, 58, 644, 278, 123, 432}));
  EXPECT_EQ(
      run({.temperature = 1.5F, .top_k = 40, .min_p = 0.2F, .seed = 1}),
      (std::vector<int32_t>{784, 776, 494, 59, 548, 320, 123, 425}));
}

TEST(Sampler, SamplingChangesNothingAcceptingDoes) {
  const auto logits = random_logits(9, 1000, 2);
  Sampler sampler = make_sampler({.frequency_penalty = 1}, 1000);
  std::vector<int32_t> first;
  for (int i = 0; i < 20; ++i) {
    const int32_t token = sampler.sample(logits).token;
    EXPECT_EQ(sampler.sample(logits).token, token);
    sampler.accept(token);
    first.push_back(token);
  }
  EXPECT_EQ(sampler.outputs(), 20);
  // Taking tokens back is as if they had never been accepted.
  sampler.rewind(5);
  for (size_t i = 5; i < 20; ++i) {
    EXPECT_EQ(sampler.sample(logits).token, first[i]);
    sampler.accept(first[i]);
  }
  EXPECT_THROW(sampler.rewind(21), Error);
}

TEST(Sampler, WithoutASeedTwoSamplersDiffer) {
  const Sampler a({}, 10, {});
  const Sampler b({}, 10, {});
  EXPECT_NE(a.seed(), b.seed());
  EXPECT_EQ(Sampler({.seed = 7}, 10, {}).seed(), 7U);
}

// --- penalties and bias: greedy shows the adjusted order

TEST(Sampler, RepetitionPenaltyOverPromptAndOutput) {
  Sampler sampler =
      make_sampler({.temperature = 0, .repetition_penalty = 2}, 4, {0});
  // 0: 5 / 2 = 2.5
  EXPECT_EQ(sampler.sample(std::vector<float>{5, 2.4F, 0, 0}).token, 0);
  EXPECT_EQ(sampler.sample(std::vector<float>{5, 2.6F, 0, 0}).token, 1);
  sampler.accept(1);
  EXPECT_EQ(sampler.sample(std::vector<float>{5, 4.8F, 0, 0}).token, 0);
  // Negative logits are multiplied; a second occurrence changes nothing.
  sampler.accept(1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-2, -1.9F, -3.9F, -9}).token, 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-2, -1.9F, -3.7F, -9}).token, 2);
}

TEST(Sampler, PresenceAndFrequencyPenaltiesOverTheOutputAlone) {
  SamplingOptions options = {
      .temperature = 0, .presence_penalty = 1, .frequency_penalty = 0.5F};
  Sampler sampler = make_sampler(options, 3, {0, 0, 0});
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 0.9F, 0}).token, 0);
  sampler.accept(0);  // 1 - 0.5 - 1 = -0.5
  EXPECT_EQ(sampler.sample(std::vector<float>{1, -0.4F, -9}).token, 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, -0.6F, -9}).token, 0);
  sampler.accept(0);
  sampler.accept(0);  // 1 - 1.5 - 1 = -1.5
  EXPECT_EQ(sampler.sample(std::vector<float>{1, -1.4F, -9}).token, 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, -1.6F, -9}).token, 0);
  sampler.rewind(1);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, -0.6F, -9}).token, 0);
}

TEST(Sampler, NegativePenaltiesEncourage) {
  Sampler sampler = make_sampler(
      {.temperature = 0, .presence_penalty = -1, .frequency_penalty = -1}, 2);
  sampler.accept(1);
  EXPECT_EQ(sampler.sample(std::vector<float>{1.9F, 0}).token, 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{2.1F, 0}).token, 0);
}

TEST(Sampler, ATinyRepetitionPenaltyDoesNotOverflow) {
  Sampler sampler =
      make_sampler({.temperature = 1, .repetition_penalty = 1e-38F}, 3, {1});
  EXPECT_EQ(sampler.sample(std::vector<float>{30, 30, 30}).token, 1);
}

TEST(Sampler, BiasIsAddedAfterPenalties) {
  SamplingOptions options = {
      .temperature = 0,
      .repetition_penalty = 2,
      .logit_bias = {{0, 1.0F}, {2, -100.0F}}};
  Sampler sampler = make_sampler(options, 3, {0});
  // 0: 4 / 2 + 1 = 3, not (4 + 1) / 2
  EXPECT_EQ(sampler.sample(std::vector<float>{4, 2.9F, 50}).token, 0);
  EXPECT_EQ(sampler.sample(std::vector<float>{4, 3.1F, 50}).token, 1);
}

// --- masks

TEST(Sampler, MaskAndBannedTokensAreNeverChosen) {
  const auto logits = random_logits(3, 200, 1);
  std::vector<uint64_t> words(3, 0);  // ids 192.. have no word
  std::set<int32_t> allowed = {0, 63, 64, 127, 130, 191};
  for (const int32_t id : allowed)
    words[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
  const std::vector<int32_t> banned = {63, 130, 5000, -1};
  Sampler sampler = make_sampler({}, 200);
  std::set<int32_t> drawn;
  for (int i = 0; i < 300; ++i) {
    const int32_t token = sampler.sample(logits, {words}, banned).token;
    drawn.insert(token);
    sampler.accept(token);
  }
  EXPECT_EQ(drawn, (std::set<int32_t>{0, 64, 127, 191}));
  Sampler greedy = make_sampler({.temperature = 0}, 3);
  const std::vector<int32_t> best = {1};
  EXPECT_EQ(greedy.sample(std::vector<float>{1, 3, 2}, {}, best).token, 2);
}

// --- log-probabilities

TEST(Sampler, LogprobsAreOfTheRawDistribution) {
  const auto logits = random_logits(11, 50, 6);
  SamplingOptions options = {
      .temperature = 0.5F,
      .top_k = 3,
      .repetition_penalty = 2,
      .logit_bias = {{4, 90.0F}},
      .logprobs = 50};
  Sampler sampler = make_sampler(options, 50, {1, 2, 3});
  const Choice choice = sampler.sample(logits);
  EXPECT_EQ(choice.token, 4);
  double total = 0;
  for (const float logit : logits)
    total += std::exp(static_cast<double>(logit));
  double sum = 0;
  ASSERT_EQ(choice.logprobs.size(), 50U);
  for (size_t i = 0; i < 50; ++i) {
    const auto& [id, logprob] = choice.logprobs[i];
    EXPECT_NEAR(
        logprob, logits[static_cast<size_t>(id)] - std::log(total), 1e-5);
    sum += std::exp(static_cast<double>(logprob));
    if (i > 0) {
      const auto& [before_id, before] = choice.logprobs[i - 1];
      EXPECT_TRUE(before > logprob || (before == logprob && before_id < id));
    }
  }
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_NEAR(choice.logprob, logits[4] - std::log(total), 1e-5);
}

TEST(Sampler, AsManyLogprobsAsAskedFor) {
  const std::vector<float> logits = {1, 3, -kInfinity, 3};
  EXPECT_TRUE(make_sampler({}, 4).sample(logits).logprobs.empty());
  EXPECT_EQ(make_sampler({}, 4).sample(logits).logprob, 0);
  const Choice chosen = make_sampler({.logprobs = 0}, 4).sample(logits);
  EXPECT_LT(chosen.logprob, 0);
  EXPECT_TRUE(chosen.logprobs.empty());
  const Choice two = make_sampler({.logprobs = 2}, 4).sample(logits);
  ASSERT_EQ(two.logprobs.size(), 2U);
  EXPECT_EQ(two.logprobs[0].first, 1);
  EXPECT_EQ(two.logprobs[1].first, 3);
  const Choice all = make_sampler({.logprobs = 20}, 4).sample(logits);
  ASSERT_EQ(all.logprobs.size(), 4U);
  EXPECT_EQ(all.logprobs[3].second, -kInfinity);
}

// --- bad input

TEST(Sampler, BrokenLogitsAreNamed) {
  Sampler sampler = make_sampler({}, 4);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect_error(ErrorCode::internal, "the logit of token 2 is nan", [&] {
    sampler.sample(std::vector<float>{1, 2, nan, nan});
  });
  expect_error(ErrorCode::internal, "the logit of token 0 is inf", [&] {
    sampler.sample(std::vector<float>{kInfinity, 2, 3, 4});
  });
}

TEST(Sampler, NothingToSampleIsRefused) {
  Sampler sampler = make_sampler({}, 2);
  expect_error(
      ErrorCode::invalid_argument, "0 logits", [&] { sampler.sample({}); });
  expect_error(ErrorCode::invalid_argument, "3 logits", [&] {
    sampler.sample(std::vector<float>{1, 2, 3});
  });
  const std::vector<int32_t> banned = {0, 1};
  expect_error(ErrorCode::invalid_argument, "every token is excluded", [&] {
    sampler.sample(std::vector<float>{1, 2}, {}, banned);
  });
  const std::vector<uint64_t> none = {0};
  expect_error(ErrorCode::invalid_argument, "every token is excluded", [&] {
    sampler.sample(std::vector<float>{1, 2}, {none});
  });
}

TEST(Sampler, OptionsAndPromptAreChecked) {
  expect_error(ErrorCode::invalid_argument, "top_p is 0", [] {
    Sampler({.top_p = 0}, 10, {});
  });
  const std::vector<int32_t> prompt = {3, 10};
  expect_error(ErrorCode::invalid_argument, "the prompt has token 10", [&] {
    Sampler({}, 10, prompt);
  });
}

}  // namespace
}  // namespace hadal
