// The compressor's pooling: which tokens and halves a row takes, the CPU
// against the reference, and the same bits for any chunking.
#include "kernels/compressor_pool/compressor_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/case_tools.h"
#include "kernels/compressor_pool/compressor_pool_cases.h"

namespace hadal {
namespace {

using PoolFunction = void (*)(const CompressorPoolParams&, ThreadTeam&);

// With equal gates a row is the mean of its slots. Values name their token and
// half: token t holds 10 t in the first half and 10 t + 1 in the second.
TEST(CompressorPool, RatioFourTakesThePreviousWindowFirst) {
  constexpr int64_t kDim = 3;
  std::vector<float> z(12 * 2 * kDim);
  const std::vector<float> g(z.size(), 0.25f);
  for (int64_t t = 0; t < 12; ++t)
    for (int64_t c = 0; c < 2 * kDim; ++c)
      z[t * 2 * kDim + c] =
          10.0f * static_cast<float>(t) + (c < kDim ? 0.0f : 1.0f);
  std::vector<float> out(3 * kDim);
  CompressorPoolParams params;
  params.ratio = 4;
  params.dim = kDim;
  params.chunk_z = z.data();
  params.chunk_g = g.data();
  params.chunk_stride = 2 * kDim;
  params.windows = 3;
  params.out = out.data();
  ThreadTeam team(2);
  for (const PoolFunction function :
       {compressor_pool_reference, compressor_pool_cpu}) {
    function(params, team);
    for (int64_t e = 0; e < kDim; ++e) {
      EXPECT_EQ(out[e], 16.0f);             // (1 + 11 + 21 + 31) / 4
      EXPECT_EQ(out[kDim + e], 35.5f);      // tokens 0..3 and 4..7, halves
      EXPECT_EQ(out[2 * kDim + e], 75.5f);  // tokens 4..7 and 8..11
    }
  }
}

// One gate far above the others chooses its token.
TEST(CompressorPool, TheLargestGateWins) {
  std::vector<float> z(256);
  std::vector<float> g(256, 0.0f);
  for (int t = 0; t < 256; ++t)
    z[t] = static_cast<float>(t);
  g[77] = 200.0f;
  g[128] = 200.0f;
  std::vector<float> out(2);
  CompressorPoolParams params;
  params.ratio = 128;
  params.dim = 1;
  params.chunk_z = z.data();
  params.chunk_g = g.data();
  params.chunk_stride = 1;
  params.windows = 2;
  params.out = out.data();
  ThreadTeam team(1);
  compressor_pool_cpu(params, team);
  EXPECT_EQ(out, (std::vector<float>{77.0f, 128.0f}));
}

TEST(CompressorPool, AgreesWithTheReference) {
  Backend backend{};
  backend.compressor_pool = compressor_pool_cpu;
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_compressor_pool(backend, team, checks);
  EXPECT_EQ(checks.size(), std::size(kCompressorPoolCases));
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name << ": " << check.max_error << " > "
                          << check.tolerance;
}

std::vector<float> pool_parts(
    CompressorPoolInputs& inputs, ThreadTeam& team, int64_t part) {
  const CompressorPoolCase& shape = inputs.shape();
  std::vector<float> out(inputs.windows() * shape.dim, -7.0f);
  float* to = out.data();
  for (int64_t first = 0; first < shape.tokens; first += part) {
    const CompressorPoolParams params =
        inputs.chunk(first, std::min(part, shape.tokens - first), to);
    compressor_pool_cpu(params, team);
    to += params.windows * shape.dim;
  }
  EXPECT_EQ(to, out.data() + out.size());
  return out;
}

TEST(CompressorPool, SameBitsInEveryCompany) {
  for (const CompressorPoolCase& shape : kCompressorPoolCases) {
    CompressorPoolInputs inputs(shape);
    ThreadTeam one(1);
    const std::vector<float> expected = pool_parts(inputs, one, shape.tokens);
    for (const int threads : {1, 2, 3}) {
      ThreadTeam team(threads);
      for (const int64_t part :
           {int64_t{1},
            int64_t{3},
            int64_t{4},
            int64_t{127},
            int64_t{129},
            shape.tokens})
        EXPECT_EQ(
            0,
            std::memcmp(
                expected.data(),
                pool_parts(inputs, team, part).data(),
                expected.size() * sizeof(float)))
            << shape.name << ", threads " << threads << ", part " << part;
    }
    for_each_target([&](const char* target) {
      EXPECT_EQ(
          0,
          std::memcmp(
              expected.data(),
              pool_parts(inputs, one, shape.tokens).data(),
              expected.size() * sizeof(float)))
          << shape.name << " on " << target;
    });
  }
}

}  // namespace
}  // namespace hadal
