// The rotation: the frequencies of spec A.2, its geometry, the CPU against the
// reference, and the same bits in every company.
#include "kernels/rotary/rotary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/case_tools.h"
#include "kernels/rotary/rotary_cases.h"

namespace hadal {
namespace {

// Spec A.2: pair i of a window layer, and of a compressed layer (YaRN).
constexpr double kFrequencies[32][2] = {
    {1, 1},
    {0.749894209, 0.687656022},
    {0.562341325, 0.472870805},
    {0.421696503, 0.325172456},
    {0.316227766, 0.223606798},
    {0.237137371, 0.153764561},
    {0.177827941, 0.105737126},
    {0.133352143, 0.0727107717},
    {0.1, 0.05},
    {0.0749894209, 0.0343828011},
    {0.0562341325, 0.0236435402},
    {0.0421696503, 0.0162586228},
    {0.0316227766, 0.0111803399},
    {0.0237137371, 0.00768822805},
    {0.0177827941, 0.00528685632},
    {0.0133352143, 0.00363553858},
    {0.01, 0.002265625},
    {0.00749894209, 0.00139680129},
    {0.00562341325, 0.000849689727},
    {0.00421696503, 0.000508081963},
    {0.00316227766, 0.000296977778},
    {0.00237137371, 0.000168179989},
    {0.00177827941, 9.0867843e-05},
    {0.00133352143, 4.54442323e-05},
    {0.001, 1.953125e-05},
    {0.000749894209, 5.37231267e-06},
    {0.000562341325, 3.69430316e-06},
    {0.000421696503, 2.54040981e-06},
    {0.000316227766, 1.74692811e-06},
    {0.000237137371, 1.20128563e-06},
    {0.000177827941, 8.260713e-07},
    {0.000133352143, 5.68052904e-07},
};

// The table has nine digits of the exact values; the official code rounds the
// power and its reciprocal to float32, and three more steps with YaRN: each is
// half a unit in the last place, 6e-8.
TEST(RotaryFrequencies, TableOfTheSpec) {
  const std::vector<float> window = rotary_frequencies(10000, 64);
  const std::vector<float> compressed = rotary_frequencies(
      160000,
      64,
      {.factor = 16,
       .original_positions = 65536,
       .beta_fast = 32,
       .beta_slow = 1});
  ASSERT_EQ(window.size(), 32u);
  ASSERT_EQ(compressed.size(), 32u);
  for (int i = 0; i < 32; ++i) {
    EXPECT_NEAR(window[i] / kFrequencies[i][0], 1.0, 1.3e-7) << i;
    EXPECT_NEAR(compressed[i] / kFrequencies[i][1], 1.0, 2e-7) << i;
  }
}

// Pairs below `low` are untouched, those from `high` on divided by the factor.
TEST(RotaryFrequencies, YarnLeavesFastPairsAlone) {
  const std::vector<float> plain = rotary_frequencies(160000, 64);
  const std::vector<float> scaled =
      rotary_frequencies(160000, 64, {.factor = 16});
  for (int i = 0; i <= 15; ++i)
    EXPECT_EQ(scaled[i], plain[i]) << i;
  for (int i = 16; i < 25; ++i) {
    EXPECT_LT(scaled[i], plain[i]) << i;
    EXPECT_GT(scaled[i], plain[i] / 16) << i;
  }
  for (int i = 25; i < 32; ++i)
    EXPECT_EQ(scaled[i], plain[i] / 16) << i;
}

using RotaryFunction = void (*)(const RotaryParams&, ThreadTeam&);

// One head of four channels, the last two of which rotate.
std::vector<float> rotate_one(
    RotaryFunction function,
    std::vector<float> x,
    int64_t position,
    float frequency,
    bool inverse) {
  RotaryParams params;
  params.x = x.data();
  params.x_stride = 4;
  params.tokens = 1;
  params.heads = 1;
  params.dim = 4;
  params.rotary_dim = 2;
  params.positions = &position;
  params.frequencies = &frequency;
  params.inverse = inverse;
  ThreadTeam team(1);
  function(params, team);
  return x;
}

TEST(Rotary, TurnsTheLastChannelsByThePosition) {
  for (const RotaryFunction function : {rotary_reference, rotary_cpu}) {
    const std::vector<float> turned =
        rotate_one(function, {7, 8, 3, 4}, 5, 0.25f, false);
    const double c = std::cos(1.25);
    const double s = std::sin(1.25);
    EXPECT_EQ(turned[0], 7.0f);
    EXPECT_EQ(turned[1], 8.0f);
    EXPECT_NEAR(turned[2], 3 * c - 4 * s, 1e-6);
    EXPECT_NEAR(turned[3], 3 * s + 4 * c, 1e-6);
    const std::vector<float> back =
        rotate_one(function, turned, 5, 0.25f, true);
    EXPECT_NEAR(back[2], 3, 1e-6);
    EXPECT_NEAR(back[3], 4, 1e-6);
    EXPECT_EQ(
        rotate_one(function, {7, 8, 3, 4}, 0, 0.25f, false),
        (std::vector<float>{7, 8, 3, 4}));
  }
}

// Near 10^6 the angle is the rounded float32 product: 1000003 * 0.749894209
// rounds to a multiple of 1/16, up to 0.03 rad from the exact product.
TEST(Rotary, TheAngleIsTheRoundedProduct) {
  const float frequency = 0.749894202f;
  const int64_t position = 1000003;
  const float angle = static_cast<float>(position) * frequency;
  ASSERT_EQ(angle * 16, std::floor(angle * 16));
  ASSERT_GT(
      std::abs(double{angle} - static_cast<double>(position) * frequency),
      1e-3);
  for (const RotaryFunction function : {rotary_reference, rotary_cpu}) {
    const std::vector<float> turned =
        rotate_one(function, {0, 0, 1, 0}, position, frequency, false);
    EXPECT_NEAR(turned[2], std::cos(double{angle}), 1e-7);
    EXPECT_NEAR(turned[3], std::sin(double{angle}), 1e-7);
  }
}

TEST(Rotary, AgreesWithTheReference) {
  Backend backend{};
  backend.rotary = rotary_cpu;
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_rotary(backend, team, checks);
  EXPECT_EQ(checks.size(), std::size(kRotaryCases));
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name << ": " << check.max_error << " > "
                          << check.tolerance;
}

std::vector<float> rotate_parts(
    const RotaryInputs& inputs, ThreadTeam& team, int64_t part) {
  std::vector<float> x = inputs.values();
  const int64_t tokens = inputs.shape().tokens;
  for (int64_t first = 0; first < tokens; first += part)
    rotary_cpu(
        inputs.part(first, std::min(part, tokens - first), x.data()), team);
  return x;
}

TEST(Rotary, SameBitsInEveryCompany) {
  for (const RotaryCase& shape : kRotaryCases) {
    const RotaryInputs inputs(shape);
    ThreadTeam one(1);
    const std::vector<float> expected = rotate_parts(inputs, one, shape.tokens);
    const auto same = [&](const std::vector<float>& found) {
      return std::memcmp(
                 expected.data(),
                 found.data(),
                 expected.size() * sizeof(float)) == 0;
    };
    for (const int threads : {1, 2, 3}) {
      ThreadTeam team(threads);
      for (const int64_t part : {int64_t{1}, int64_t{4}, shape.tokens})
        EXPECT_TRUE(same(rotate_parts(inputs, team, part)))
            << shape.name << ", threads " << threads << ", part " << part;
    }
    for_each_target([&](const char* target) {
      EXPECT_TRUE(same(rotate_parts(inputs, one, shape.tokens)))
          << shape.name << " on " << target;
    });
  }
}

}  // namespace
}  // namespace hadal
