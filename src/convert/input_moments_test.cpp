#include "convert/input_moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "hadal/error.h"

namespace hadal {
namespace {

std::vector<float> draw(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(count);
  for (float& value : out)
    value = normal(random);
  return out;
}

TEST(InputMoments, SumsAreThoseOfAllPairsInABlock) {
  constexpr int64_t kCols = 96;
  constexpr int64_t kStride = 100;
  constexpr int64_t kRows = 7;
  const std::vector<float> x = draw(kStride * 2 * kRows, 1);
  ThreadTeam team(2);
  MomentSum sum(kCols, 64);
  sum.add(x.data(), kStride, kRows, team);
  sum.add(x.data() + kRows * kStride, kStride, kRows, team);
  const InputMoments moments = sum.moments();
  EXPECT_EQ(moments.cols, kCols);
  EXPECT_EQ(moments.block, 64);
  // Of 14 vectors for blocks of 64.
  const double kept = 14 / (14 + 6.4);
  for (int64_t i = 0; i < kCols; ++i)
    for (int64_t k = 0; k < 64; ++k) {
      const int64_t j = i / 64 * 64 + k;
      double mean = 0;
      for (int64_t row = 0; row < 2 * kRows && j < kCols; ++row)
        mean += static_cast<double>(x[static_cast<size_t>(row * kStride + i)]) *
                static_cast<double>(x[static_cast<size_t>(row * kStride + j)]) /
                (2 * kRows);
      EXPECT_NEAR(
          moments.values[static_cast<size_t>(i * 64 + k)],
          j == i ? mean : kept * mean,
          1e-5);
    }
}

TEST(InputMoments, ThreadsChangeNoBit) {
  const std::vector<float> x = draw(64 * 50, 2);
  std::vector<std::vector<float>> seen;
  for (const int threads : {1, 3}) {
    ThreadTeam team(threads);
    MomentSum sum(64, 512);
    sum.add(x.data(), 64, 50, team);
    seen.push_back(sum.moments().values);
  }
  EXPECT_EQ(seen[0], seen[1]);
}

// Two blocks, the last one cut: 64 and 32 columns.
InputMoments sample_moments() {
  const std::vector<float> x = draw(96 * 300, 3);
  ThreadTeam team(1);
  MomentSum sum(96, 64);
  sum.add(x.data(), 96, 300, team);
  return sum.moments();
}

TEST(InputMoments, CostIsTheMeanSquareOfTheProductsError) {
  const InputMoments moments = sample_moments();
  const ErrorFactors factors(moments);
  const std::vector<float> errors = draw(96, 4);
  double expected = 0;
  for (int64_t begin = 0; begin < 96; begin += 64) {
    const int64_t count = std::min<int64_t>(64, 96 - begin);
    double trace = 0;
    for (int64_t i = begin; i < begin + count; ++i)
      for (int64_t j = begin; j < begin + count; ++j) {
        const auto value = static_cast<double>(
            moments.values[static_cast<size_t>(i * 64 + j - begin)]);
        trace += i == j ? value : 0;
        expected += value *
                    static_cast<double>(errors[static_cast<size_t>(i)]) *
                    static_cast<double>(errors[static_cast<size_t>(j)]);
      }
    // One hundredth of the mean is added to every mean square.
    for (int64_t i = begin; i < begin + count; ++i)
      expected +=
          0.01 * trace / static_cast<double>(count) *
          std::pow(static_cast<double>(errors[static_cast<size_t>(i)]), 2);
  }
  EXPECT_NEAR(error_cost(factors.metric(), errors), expected, 1e-4 * expected);
}

TEST(InputMoments, WithoutFactorsChannelsCountAlone) {
  const std::vector<float> weights{1, 0, 2};
  EXPECT_EQ(error_cost({.weights = weights.data()}, {3, 5, 1}), 11);
  EXPECT_EQ(error_cost({}, {3, 5, 1}), 35);
}

TEST(InputMoments, SilentInputsCountAlike) {
  const InputMoments silent{32, 32, std::vector<float>(32 * 32)};
  const ErrorFactors factors(silent);
  EXPECT_EQ(error_cost(factors.metric(), std::vector<float>(32, 1)), 32);
}

TEST(InputMoments, WhatNoInputsHaveIsRefused) {
  InputMoments moments{32, 32, std::vector<float>(32 * 32, 2)};
  for (size_t i = 0; i < 32; ++i)
    moments.values[i * 33] = 1;  // two channels correlate by more than one
  EXPECT_THROW(ErrorFactors{moments}, Error);
}

TEST(InputMoments, Blocks) {
  EXPECT_TRUE(is_moment_block(384, 384));
  EXPECT_TRUE(is_moment_block(64, 384));
  EXPECT_FALSE(is_moment_block(96, 384));
  EXPECT_FALSE(is_moment_block(1024, 4096));
  EXPECT_FALSE(is_moment_block(0, 64));
  EXPECT_FALSE(is_moment_block(16, 16));
  // 256 experts of 2048 columns in 43 layers: not even blocks of 64.
  const WeightView view;
  std::vector<SourceTensor> tensors;
  for (int64_t layer = 0; layer < 43; ++layer) {
    const BlockIndex block{TensorScope::layer, layer};
    tensors.push_back(
        {.id = TensorId::expert_w2,
         .block = block,
         .items = std::vector<WeightView>(256, view),
         .shape = {4096, 2048}});
    tensors.push_back(
        {.id = TensorId::wo_b,
         .block = block,
         .items = {view},
         .shape = {4096, 8192}});
    // Reads what wq_a does, so it needs none.
    tensors.push_back(
        {.id = TensorId::wkv,
         .block = block,
         .items = {view},
         .shape = {512, 4096}});
  }
  const MomentBlocks blocks = moment_blocks(tensors);
  EXPECT_EQ(blocks.experts_w2, 0);
  EXPECT_EQ(blocks.others, 128);  // 43 * 8192 * 128 * 4 bytes = 180 MB
}

}  // namespace
}  // namespace hadal
