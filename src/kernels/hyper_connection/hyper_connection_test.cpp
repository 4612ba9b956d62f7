// The hyper-connections: the numbers of spec A.1 and its invariants, the CPU
// against the reference, and the same bits in every company.
#include "kernels/hyper_connection/hyper_connection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/case_tools.h"
#include "kernels/hyper_connection/hyper_connection_cases.h"
#include "kernels/rms_norm/rms_norm.h"

namespace hadal {
namespace {

using PreFunction = void (*)(const HyperConnectionPreParams&, ThreadTeam&);
using PostFunction = void (*)(const HyperConnectionPostParams&, ThreadTeam&);

constexpr float kMix[24] = {
    0.5f,  -1,   0.25f, 2, 1,  -0.5f, 0, 0.75f, 1, 0, -1, 0.5f,
    0.25f, 1.5f, -0.5f, 0, -2, 0.5f,  1, 0.25f, 0, 0, 0,  3};
constexpr double kPre[4] = {0.5124984, 0.3543447, 0.5312104, 0.7502611};
constexpr double kPost[4] = {1.2212785, 0.8389154, 0.9500416, 1.0934763};
constexpr double kComb[16] = {
    0.7870991,
    0.1129215,
    0.0397463,
    0.0603332,  //
    0.1710515,
    0.7171537,
    0.0928604,
    0.0190773,  //
    0.0053582,
    0.1464622,
    0.8063761,
    0.0418864,  //
    0.0364902,
    0.0234616,
    0.0610162,
    0.8787022};

struct A1 {
  std::vector<float> x = std::vector<float>(4);
  std::vector<float> post = std::vector<float>(4);
  std::vector<float> comb = std::vector<float>(16);
};

// Four streams of four channels, all 1: their norm is 1, and the first column
// of fn becomes `mix`.
A1 run_a1(PreFunction function) {
  const std::vector<float> streams(16, 1.0f);
  std::vector<float> fn(24 * 16, 0.0f);
  std::vector<float> base(24);
  for (int i = 0; i < 24; ++i) {
    fn[i * 16] = kMix[i];
    base[i] = 0.1f * static_cast<float>(i % 5 - 2);
  }
  const float scale[3] = {0.5f, 0.25f, 1.5f};
  A1 result;
  HyperConnectionPreParams params;
  params.streams = streams.data();
  params.tokens = 1;
  params.n = 4;
  params.dim = 4;
  params.fn.rows = 24;
  params.fn.cols = 16;
  params.fn.row_bytes = 64;
  params.fn.data = reinterpret_cast<const std::byte*>(fn.data());
  params.base = base.data();
  params.scale = scale;
  params.sinkhorn_iterations = 20;
  params.norm_eps = 0;
  params.hc_eps = 1e-6f;
  params.x = result.x.data();
  params.post = result.post.data();
  params.comb = result.comb.data();
  ThreadTeam team(1);
  function(params, team);
  return result;
}

TEST(HyperConnection, CheckValuesOfTheSpec) {
  for (const PreFunction function :
       {hyper_connection_pre_reference, hyper_connection_pre_cpu}) {
    const A1 result = run_a1(function);
    double pre_sum = 0;
    for (int i = 0; i < 4; ++i) {
      EXPECT_NEAR(result.post[i], kPost[i], 3e-7);
      pre_sum += kPre[i];
    }
    for (int i = 0; i < 4; ++i)
      EXPECT_NEAR(result.x[i], pre_sum, 5e-7);
    for (int i = 0; i < 16; ++i)
      EXPECT_NEAR(result.comb[i], kComb[i], 3e-7) << i;
    for (int k = 0; k < 4; ++k) {
      double column = 0;
      for (int j = 0; j < 4; ++j)
        column += result.comb[j * 4 + k];
      EXPECT_NEAR(column, 1 - 1e-6, 2e-7);
    }
  }
}

std::vector<float> mix_up_a1(PostFunction function, const float* comb) {
  const float y = 5;
  const float streams[4] = {1, 10, 100, 1000};
  const float post[4] = {1.2212785f, 0.8389154f, 0.9500416f, 1.0934763f};
  std::vector<float> out(4);
  HyperConnectionPostParams params;
  params.y = &y;
  params.streams = streams;
  params.post = post;
  params.comb = comb;
  params.tokens = 1;
  params.n = 4;
  params.dim = 1;
  params.out = out.data();
  ThreadTeam team(1);
  function(params, team);
  return out;
}

TEST(HyperConnection, OrientationOfTheSpec) {
  const double right[4] = {45.630032, 49.586866, 147.372408, 888.609275};
  const double wrong[4] = {72.330546, 39.900477, 128.744162, 890.542263};
  float comb[16];
  float transposed[16];
  for (int i = 0; i < 16; ++i) {
    comb[i] = static_cast<float>(kComb[i]);
    transposed[i % 4 * 4 + i / 4] = comb[i];
  }
  for (const PostFunction function :
       {hyper_connection_post_reference, hyper_connection_post_cpu}) {
    const std::vector<float> out = mix_up_a1(function, comb);
    const std::vector<float> other = mix_up_a1(function, transposed);
    for (int k = 0; k < 4; ++k) {
      EXPECT_NEAR(out[k], right[k], 2e-6 * right[k]);
      EXPECT_NEAR(other[k], wrong[k], 2e-6 * wrong[k]);
    }
  }
}

// Spec A.4: four equal streams and y = 0 stay equal, up to 1 - 1e-6.
TEST(HyperConnection, EqualStreamsStayEqual) {
  const A1 a1 = run_a1(hyper_connection_pre_cpu);
  const std::vector<float> y(20, 0.0f);
  const std::vector<float> streams(4 * 20, 2.5f);
  std::vector<float> out(4 * 20);
  HyperConnectionPostParams params;
  params.y = y.data();
  params.streams = streams.data();
  params.post = a1.post.data();
  params.comb = a1.comb.data();
  params.tokens = 1;
  params.n = 4;
  params.dim = 20;
  params.out = out.data();
  ThreadTeam team(2);
  hyper_connection_post_cpu(params, team);
  for (const float value : out)
    EXPECT_NEAR(value, 2.5 * (1 - 1e-6), 1e-6);
}

TEST(HyperConnection, AgreesWithTheReference) {
  Backend backend{};
  backend.hyper_connection_pre = hyper_connection_pre_cpu;
  backend.hyper_connection_post = hyper_connection_post_cpu;
  backend.hyper_connection_between = hyper_connection_between_cpu;
  backend.hyper_connection_head = hyper_connection_head_cpu;
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_hyper_connection(backend, team, checks);
  EXPECT_EQ(checks.size(), 4 * std::size(kHyperConnectionCases));
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.kernel << ", " << check.case_name << ": "
                          << check.max_error << " > " << check.tolerance;
}

// All outputs, one after the other.
std::vector<float> outputs(const HyperConnectionInputs& inputs) {
  std::vector<float> all = inputs.pre_outputs();
  all.insert(all.end(), inputs.out.begin(), inputs.out.end());
  all.insert(all.end(), inputs.head_x.begin(), inputs.head_x.end());
  return all;
}

std::vector<float> run_parts(
    HyperConnectionInputs& inputs, ThreadTeam& team, int64_t part) {
  const int64_t tokens = inputs.shape().tokens;
  for (int64_t first = 0; first < tokens; first += part) {
    const int64_t count = std::min(part, tokens - first);
    hyper_connection_pre_cpu(inputs.pre(first, count), team);
    hyper_connection_post_cpu(inputs.post(first, count), team);
    hyper_connection_head_cpu(inputs.head(first, count), team);
  }
  return outputs(inputs);
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(HyperConnection, SameBitsInEveryCompany) {
  for (const HyperConnectionCase& shape : kHyperConnectionCases) {
    HyperConnectionInputs inputs(shape);
    ThreadTeam one(1);
    const std::vector<float> expected = run_parts(inputs, one, shape.tokens);
    for (const int threads : {1, 2, 3, 8}) {
      ThreadTeam team(threads);
      for (const int64_t part : {int64_t{1}, int64_t{3}, shape.tokens})
        EXPECT_TRUE(same_bits(expected, run_parts(inputs, team, part)))
            << shape.name << ", threads " << threads << ", part " << part;
    }
    for_each_target([&](const char* target) {
      EXPECT_TRUE(same_bits(expected, run_parts(inputs, one, shape.tokens)))
          << shape.name << " on " << target;
    });
  }
}

// One operation or two, in place or not, and with coefficients that replace
// those it reads.
TEST(HyperConnection, BetweenIsPostThenPre) {
  for (const HyperConnectionCase& shape : kHyperConnectionCases) {
    HyperConnectionInputs inputs(shape);
    ThreadTeam team(2);
    HyperConnectionBetweenParams params = inputs.between(0, shape.tokens);
    hyper_connection_post_cpu(params.post, team);
    hyper_connection_pre_cpu(params.pre, team);
    const std::vector<float> expected = outputs(inputs);

    const HyperConnectionPostParams post = params.post;
    std::copy_n(post.streams, inputs.out.size(), inputs.out.begin());
    std::copy_n(post.post, inputs.post_out.size(), inputs.post_out.begin());
    std::copy_n(post.comb, inputs.comb.size(), inputs.comb.begin());
    params.post.streams = params.post.out;
    params.post.post = params.pre.post;
    params.post.comb = params.pre.comb;
    hyper_connection_between_cpu(params, team);
    EXPECT_TRUE(same_bits(outputs(inputs), expected)) << shape.name;
  }
}

// The norm is that of rms_norm.h, to the bit.
TEST(HyperConnection, TheNormIsRmsNorm) {
  for (const HyperConnectionCase& shape : kHyperConnectionCases) {
    HyperConnectionInputs inputs(shape);
    ThreadTeam team(2);
    HyperConnectionPreParams params = inputs.pre(0, shape.tokens);
    hyper_connection_pre_cpu(params, team);
    const std::vector<float> found = inputs.x;
    const float* weight = params.norm_weight;
    params.norm_weight = nullptr;
    hyper_connection_pre_cpu(params, team);
    rms_norm_cpu(
        {.x = inputs.x.data(),
         .x_stride = shape.dim,
         .y = inputs.x.data(),
         .y_stride = shape.dim,
         .rows = shape.tokens,
         .dim = shape.dim,
         .weight = weight,
         .eps = params.norm_eps},
        team);
    EXPECT_TRUE(same_bits(inputs.x, found)) << shape.name;
  }
}

TEST(HyperConnection, NoTokens) {
  HyperConnectionInputs inputs(kHyperConnectionCases[0]);
  ThreadTeam team(2);
  const std::vector<float> before = inputs.pre_outputs();
  hyper_connection_pre_cpu(inputs.pre(0, 0), team);
  hyper_connection_post_cpu(inputs.post(0, 0), team);
  hyper_connection_head_cpu(inputs.head(0, 0), team);
  EXPECT_EQ(before, inputs.pre_outputs());
}

TEST(HyperConnection, OutputMayReplaceTheStreams) {
  HyperConnectionInputs inputs(kHyperConnectionCases[1]);
  ThreadTeam team(2);
  HyperConnectionPostParams params =
      inputs.post(0, kHyperConnectionCases[1].tokens);
  hyper_connection_post_cpu(params, team);
  const std::vector<float> expected = inputs.out;
  std::copy_n(params.streams, inputs.out.size(), inputs.out.begin());
  params.streams = inputs.out.data();
  hyper_connection_post_cpu(params, team);
  EXPECT_TRUE(same_bits(expected, inputs.out));
}

}  // namespace
}  // namespace hadal
