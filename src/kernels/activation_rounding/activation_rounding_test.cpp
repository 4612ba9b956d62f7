#include "kernels/activation_rounding/activation_rounding.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/activation_rounding/activation_rounding_cases.h"
#include "kernels/case_targets.h"
#include "kernels/codecs/number_formats.h"
#include "kernels/kernel_check.h"
#include "kernels/random_weight.h"
#include "kernels/same_bits.h"

namespace hadal {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> fp8(
    void (*round_trip)(const Fp8RoundTripParams&, ThreadTeam&),
    std::vector<float> x,
    int64_t rows,
    int64_t block,
    int threads = 1) {
  ThreadTeam team(threads);
  const int64_t cols = static_cast<int64_t>(x.size()) / rows;
  round_trip(
      {.x = x.data(),
       .stride = cols,
       .rows = rows,
       .cols = cols,
       .block = block},
      team);
  return x;
}

std::vector<float> fp4(
    void (*hadamard)(const HadamardFp4Params&, ThreadTeam&),
    std::vector<float> x,
    int64_t rows,
    int threads = 1) {
  ThreadTeam team(threads);
  const int64_t dim = static_cast<int64_t>(x.size()) / rows;
  hadamard({.x = x.data(), .stride = dim, .rows = rows, .dim = dim}, team);
  return x;
}

TEST(ActivationRounding, EveryInstructionSetGivesTheReferencesBits) {
  Backend backend{};
  backend.fp8_round_trip = fp8_round_trip_cpu;
  backend.hadamard_fp4 = hadamard_fp4_cpu;
  ThreadTeam team(3);
  for_each_target([&](const std::string& target) {
    std::vector<KernelCheck> checks;
    check_activation_rounding(backend, team, checks);
    EXPECT_EQ(
        checks.size(),
        std::size(kFp8RoundTripCases) + std::size(kHadamardFp4Cases));
    for (const KernelCheck& check : checks)
      EXPECT_EQ(check.max_error, 0) << target << ", " << check.case_name;
  });
}

// Every bfloat16 value at every place of the scale, against the codec.
TEST(ActivationRounding, Fp8OverAllBf16Values) {
  std::vector<float> x;
  for (uint32_t code = 0; code < 65536; ++code) {
    const float value = bf16_to_float(static_cast<uint16_t>(code));
    if (std::isfinite(value))
      x.push_back(value);
  }
  // 65,280 values in increasing magnitude: blocks of similar size; then in an
  // order that mixes large and small ones.
  for (int64_t step : {1, 509}) {
    std::vector<float> values;
    for (size_t i = 0; i < x.size(); ++i)
      values.push_back(x[i * static_cast<size_t>(step) % x.size()]);
    const std::vector<float> expected =
        fp8(fp8_round_trip_reference, values, 1, 64);
    for_each_target([&](const std::string& target) {
      expect_same_bits(
          fp8(fp8_round_trip_cpu, values, 1, 64), expected, target);
    });
  }
}

TEST(ActivationRounding, Fp8KnownValues) {
  std::vector<float> x(64, 0.0F);
  x[0] = 448;
  x[1] = -17.5F;    // between 17 (no code) and 18: codes are 16, 18, 20 -> 18
  x[2] = 17;        // a tie of 16 and 18 -> 16, the even code
  x[3] = 0x1p-10F;  // a tie of 0 and 2^-9 -> 0
  x[4] = 0.0029F;   // 1.48 steps of 2^-9 -> one
  for (auto* round_trip : {fp8_round_trip_reference, fp8_round_trip_cpu}) {
    const std::vector<float> y = fp8(round_trip, x, 1, 64);
    EXPECT_EQ(y[0], 448);
    EXPECT_EQ(y[1], -18);
    EXPECT_EQ(y[2], 16);
    EXPECT_EQ(y[3], 0);
    EXPECT_EQ(y[4], 0x1p-9F);
    // The round trip is idempotent.
    expect_same_bits(fp8(round_trip, y, 1, 64), y, "again");
  }
}

// H[i][j] = (-1)^popcount(i & j) in doubles, then the codec.
TEST(ActivationRounding, HadamardAgainstItsMatrix) {
  for (int64_t dim : {32, 64, 128}) {
    const std::vector<float> x = random_values(dim, 5);
    std::vector<float> y(static_cast<size_t>(dim));
    for (int64_t i = 0; i < dim; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < dim; ++j)
        sum +=
            std::popcount(static_cast<uint64_t>(i & j)) % 2 == 0 ? x[j] : -x[j];
      y[i] = static_cast<float>(sum / std::sqrt(static_cast<double>(dim)));
    }
    for (auto* hadamard : {hadamard_fp4_reference, hadamard_fp4_cpu}) {
      const std::vector<float> found = fp4(hadamard, x, 1);
      for (int64_t k = 0; k < dim; k += 32) {
        const float s = fp4_block_scale(largest_magnitude(&y[k], 32));
        for (int64_t i = k; i < k + 32; ++i) {
          // Rounding to E2M1 moves a value by half a step of 2 s at most; the
          // two sums may fall on different sides of a tie.
          EXPECT_NEAR(found[i], y[i], s * 1.001F);
          const float code = found[i] / s;
          EXPECT_EQ(e2m1_to_float(float_to_e2m1(code)), code);
        }
      }
    }
  }
}

// Small integers are transformed exactly, so the codes are known.
TEST(ActivationRounding, HadamardKnownValues) {
  std::vector<float> x(64, 0.0F);
  x[0] = 48;  // every output is 48 / 8 = 6
  for (auto* hadamard : {hadamard_fp4_reference, hadamard_fp4_cpu}) {
    for (float value : fp4(hadamard, x, 1))
      EXPECT_EQ(value, 6);
    std::vector<float> y = x;
    y[1] = 8;  // 7 in even places, 5 in odd: scale 2, 3.5 -> 4 and 2.5 -> 2
    y = fp4(hadamard, y, 1);
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(y[i], i % 2 == 0 ? 8 : 4);
  }
}

TEST(ActivationRounding, RowsAreIndependentOfBatchAndThreads) {
  const std::vector<float> x = random_values(17 * 128, 6);
  const std::vector<float> eight = fp8(fp8_round_trip_cpu, x, 17, 64);
  const std::vector<float> four = fp4(hadamard_fp4_cpu, x, 17);
  for (int threads : {2, 3}) {
    expect_same_bits(fp8(fp8_round_trip_cpu, x, 17, 64, threads), eight, "fp8");
    expect_same_bits(fp4(hadamard_fp4_cpu, x, 17, threads), four, "fp4");
  }
  for (int64_t r = 0; r < 17; ++r) {
    const std::vector<float> row(
        x.begin() + r * 128, x.begin() + (r + 1) * 128);
    expect_same_bits(
        fp8(fp8_round_trip_cpu, row, 1, 64),
        {eight.begin() + r * 128, eight.begin() + (r + 1) * 128},
        "fp8 row");
    expect_same_bits(
        fp4(hadamard_fp4_cpu, row, 1),
        {four.begin() + r * 128, four.begin() + (r + 1) * 128},
        "fp4 row");
  }
}

TEST(ActivationRounding, NanAndInfinitySpoilTheirBlockOnly) {
  for (float bad : {kNan, kInf, -kInf}) {
    std::vector<float> x = random_values(128, 7);
    x[70] = bad;
    for_each_target([&](const std::string& target) {
      for (auto* round_trip : {fp8_round_trip_reference, fp8_round_trip_cpu}) {
        const std::vector<float> y = fp8(round_trip, x, 1, 64);
        for (int i = 0; i < 128; ++i)
          EXPECT_EQ(std::isnan(y[i]), i >= 64) << target;
      }
      for (auto* hadamard : {hadamard_fp4_reference, hadamard_fp4_cpu})
        for (float value : fp4(hadamard, x, 1))
          EXPECT_TRUE(std::isnan(value));
    });
  }
}

}  // namespace
}  // namespace hadal
