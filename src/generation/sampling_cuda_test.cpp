// Sampling on a GPU against the sampler of the host, from the same logits: the
// same tokens with every option. Skipped where there is no GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "generation/probability_weight.h"
#include "generation/sampler.h"
#include "hadal/error.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/stage.h"
#include "kernels/random_weight.h"
#include "kernels/sampling/sampling.h"

namespace hadal {
namespace {

constexpr int64_t kVocabulary = 129280;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A row and what was sampled before it.
struct Row {
  std::vector<float> logits;
  SamplingOptions options;
  std::vector<int32_t> prompt;
  std::vector<int32_t> output;
  std::vector<uint64_t> mask;
  std::vector<int32_t> banned;
};

struct Sampled {
  SampledToken token;
  std::vector<LikelyToken> likely;
};

std::vector<TokenEdit> edits_of(const Row& row) {
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

// All rows in one call.
std::vector<Sampled> sample(const std::vector<Row>& rows) {
  cuda::Stage stage;
  std::vector<Sampled> result(rows.size());
  std::vector<SampleParams> all;
  for (size_t r = 0; r < rows.size(); ++r) {
    const Row& row = rows[r];
    const std::vector<TokenEdit> edits = edits_of(row);
    const auto vocabulary = static_cast<int64_t>(row.logits.size());
    result[r].likely.resize(static_cast<size_t>(
        std::clamp<int64_t>(row.options.logprobs, 0, vocabulary)));
    const auto in = [&](const auto& values) {
      return values.empty()
                 ? nullptr
                 : stage.in(values.data(), static_cast<int64_t>(values.size()));
    };
    all.push_back(
        {.logits = in(row.logits),
         .vocabulary = vocabulary,
         .edits = in(edits),
         .edit_count = static_cast<int64_t>(edits.size()),
         .repetition_penalty = row.options.repetition_penalty,
         .frequency_penalty = row.options.frequency_penalty,
         .presence_penalty = row.options.presence_penalty,
         .mask = in(row.mask),
         .mask_words = static_cast<int64_t>(row.mask.size()),
         .banned = in(row.banned),
         .banned_count = static_cast<int64_t>(row.banned.size()),
         .temperature = row.options.temperature,
         .top_k = row.options.top_k,
         .top_p = row.options.top_p,
         .min_p = row.options.min_p,
         .seed = row.options.seed.value_or(0),
         .step = row.output.size(),
         .best = row.options.logprobs,
         .likely = stage.in_out(
             result[r].likely.data(),
             static_cast<int64_t>(result[r].likely.size())),
         .out = stage.in_out(&result[r].token, 1)});
    // The staged copies are asynchronous, and `edits` ends here.
    cuda::check(cudaStreamSynchronize(cuda::stream()), "copying a row");
  }
  EXPECT_TRUE(sample_cuda(all));
  stage.finish();
  return result;
}

Choice sample_on_host(const Row& row) {
  Sampler sampler(
      row.options, static_cast<int64_t>(row.logits.size()), row.prompt);
  for (const int32_t id : row.output)
    sampler.accept(id);
  return sampler.sample(row.logits, {row.mask}, row.banned);
}

// A few tokens stand out and the many others weigh little together.
std::vector<float> peaked(uint64_t seed) {
  std::vector<float> logits = random_values(kVocabulary, seed, 2);
  for (int64_t i = 0; i < 40; ++i)
    logits[static_cast<size_t>(i * 3001)] = 20 - 0.2F * static_cast<float>(i);
  return logits;
}

std::vector<float> broad(uint64_t seed) {
  return random_values(kVocabulary, seed, 4);
}

// Many equal logits, zeros of both signs among them.
std::vector<float> tied(uint64_t seed) {
  std::vector<float> logits = random_values(kVocabulary, seed, 3);
  for (float& logit : logits)
    logit = std::round(logit);
  return logits;
}

std::vector<SamplingOptions> option_sets() {
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

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  uint64_t seed = 1;
  for (const SamplingOptions& options : option_sets())
    for (const auto& make : {peaked, broad, tied})
      for (int variant = 0; variant < 3; ++variant) {
        Row row{.logits = make(++seed), .options = options};
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
          row.logits[9] = -kInfinity;
        }
        rows.push_back(std::move(row));
      }
  return rows;
}

struct CudaSampling : ::testing::Test {
  void SetUp() override {
    if (const std::string reason = missing_cuda_device(); !reason.empty())
      GTEST_SKIP() << reason;
  }
};

float logprob(const SampledToken& of, float logit) {
  return static_cast<float>(
      static_cast<double>(logit) -
      (static_cast<double>(of.highest) + std::log(of.power_sum)));
}

TEST_F(CudaSampling, TheTokensOfTheHost) {
  const std::vector<Row> rows = all_rows();
  const std::vector<Sampled> found = sample(rows);
  for (size_t r = 0; r < rows.size(); ++r) {
    const Choice expected = sample_on_host(rows[r]);
    const SampledToken& token = found[r].token;
    ASSERT_EQ(token.state, SampleState::chosen) << r;
    EXPECT_EQ(token.token, expected.token) << r;
    EXPECT_EQ(token.logit, rows[r].logits[static_cast<size_t>(expected.token)]);
    if (rows[r].options.logprobs < 0)
      continue;
    // The sums of the powers have different orders.
    EXPECT_NEAR(logprob(token, token.logit), expected.logprob, 1e-6);
    std::vector<LikelyToken> likely = found[r].likely;
    EXPECT_TRUE(std::is_sorted(
        likely.begin(), likely.end(), [](const auto& a, const auto& b) {
          return a.token < b.token;
        }));
    std::stable_sort(
        likely.begin(), likely.end(), [](const auto& a, const auto& b) {
          return a.logit > b.logit;
        });
    ASSERT_EQ(likely.size(), expected.logprobs.size());
    for (size_t i = 0; i < likely.size(); ++i) {
      EXPECT_EQ(likely[i].token, expected.logprobs[i].first) << r;
      EXPECT_NEAR(
          logprob(token, likely[i].logit), expected.logprobs[i].second, 1e-6);
    }
  }
}

// The order that sampling.h states, on the host.
double power_sum(const std::vector<float>& logits, float highest) {
  constexpr size_t kEach = 16;
  constexpr size_t kLanes = 32;
  constexpr size_t kWarps = 16;
  const auto of_tokens = [&](size_t first) {
    double sum = 0;
    for (size_t i = first; i < std::min(first + kEach, logits.size()); ++i)
      sum += power_of_two(
          (static_cast<double>(logits[i]) - static_cast<double>(highest)) *
          kLog2E);
    return sum;
  };
  double total = 0;
  for (size_t block = 0; block < 16; ++block) {
    double of_block = 0;
    for (size_t warp = 0; warp < kWarps; ++warp) {
      double lanes[kLanes];
      for (size_t lane = 0; lane < kLanes; ++lane)
        lanes[lane] =
            of_tokens(((block * kWarps + warp) * kLanes + lane) * kEach);
      for (size_t step = kLanes / 2; step > 0; step /= 2)
        for (size_t lane = 0; lane < step; ++lane)
          lanes[lane] += lanes[lane + step];
      of_block += lanes[0];
    }
    total += of_block;
  }
  return total;
}

TEST_F(CudaSampling, PowerSumsHaveTheStatedOrder) {
  std::vector<Row> rows;
  for (const auto& make : {peaked, broad, tied})
    rows.push_back(
        {.logits = make(3), .options = {.temperature = 0, .logprobs = 0}});
  rows.push_back(
      {.logits = random_values(1000, 4, 3),
       .options = {.temperature = 0, .logprobs = 0}});
  const std::vector<Sampled> found = sample(rows);
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::vector<float>& logits = rows[r].logits;
    const float highest = *std::max_element(logits.begin(), logits.end());
    EXPECT_EQ(found[r].token.highest, highest);
    EXPECT_EQ(found[r].token.power_sum, power_sum(logits, highest)) << r;
  }
}

TEST_F(CudaSampling, ARowStandsAlone) {
  const std::vector<Row> rows = all_rows();
  const std::vector<Sampled> together = sample(rows);
  for (size_t r = 0; r < rows.size(); r += 5) {
    const std::vector<Sampled> alone = sample({rows[r]});
    EXPECT_EQ(
        std::memcmp(&alone[0].token, &together[r].token, sizeof(SampledToken)),
        0)
        << r;
  }
}

TEST_F(CudaSampling, AnyVocabulary) {
  std::vector<Row> rows;
  for (const int64_t size : {1, 5, 16, 64, 1000, 8192, 8193, 131072})
    for (const SamplingOptions& options :
         {SamplingOptions{},
          SamplingOptions{.temperature = 0, .logprobs = 20},
          SamplingOptions{.top_k = 3, .top_p = 0.8F},
          SamplingOptions{.top_p = 0.8F}}) {
      Row row{
          .logits = random_values(size, static_cast<uint64_t>(size), 3),
          .options = options};
      row.options.seed = 5;
      rows.push_back(std::move(row));
    }
  const std::vector<Sampled> found = sample(rows);
  for (size_t r = 0; r < rows.size(); ++r)
    EXPECT_EQ(found[r].token.token, sample_on_host(rows[r]).token) << r;
}

TEST_F(CudaSampling, WhatCannotBeSampled) {
  std::vector<Row> rows(4, {.logits = broad(1), .options = {.seed = 1}});
  rows[0].logits[100000] = std::numeric_limits<float>::quiet_NaN();
  rows[0].logits[100001] = kInfinity;
  rows[1].logits[0] = kInfinity;
  rows[2].mask = {0};
  rows[3].logits.assign(rows[3].logits.size(), -kInfinity);
  const std::vector<Sampled> found = sample(rows);
  EXPECT_EQ(found[0].token.state, SampleState::bad_logit);
  EXPECT_EQ(found[0].token.token, 100000);
  EXPECT_EQ(found[1].token.state, SampleState::bad_logit);
  EXPECT_EQ(found[1].token.token, 0);
  EXPECT_EQ(found[2].token.state, SampleState::all_excluded);
  EXPECT_EQ(found[3].token.state, SampleState::all_excluded);
  for (const Row& row : rows)
    EXPECT_THROW(sample_on_host(row), Error);
}

}  // namespace
}  // namespace hadal
