// Sampling on a GPU against the sampler of the host, from the same logits: the
// same tokens with every option. Skipped where there is no GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "generation/probability_weight.h"
#include "generation/sampler.h"
#include "generation/sampling_cuda_rows.h"
#include "hadal/error.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/stage.h"
#include "kernels/random_weight.h"
#include "kernels/sampling/sampling.h"

namespace hadal {
namespace {

using Row = SampledRow;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Sampled {
  SampledToken token;
  std::vector<LikelyToken> likely;
};

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
