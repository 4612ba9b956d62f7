// The hyper-connections on a GPU: a token's bits in every company, one
// operation or two, in place or not. Skipped where there is no GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/cuda/find_device.h"
#include "kernels/cuda/staged_backend.h"
#include "kernels/hyper_connection/hyper_connection_cases.h"

namespace hadal {
namespace {

struct CudaHyperConnection : ::testing::Test {
  void SetUp() override {
    if (const std::string reason = missing_cuda_device(); !reason.empty())
      GTEST_SKIP() << reason;
  }
  ThreadTeam team{ThreadTeamOptions{.threads = 2}};
};

std::vector<float> outputs(const HyperConnectionInputs& inputs) {
  std::vector<float> all = inputs.pre_outputs();
  all.insert(all.end(), inputs.out.begin(), inputs.out.end());
  all.insert(all.end(), inputs.head_x.begin(), inputs.head_x.end());
  return all;
}

void forget(HyperConnectionInputs& inputs) {
  for (std::vector<float>* const values :
       {&inputs.x, &inputs.post_out, &inputs.comb, &inputs.out, &inputs.head_x})
    std::fill(values->begin(), values->end(), -7.0F);
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// The tables' cases, and one whose tokens go through every group and round.
std::vector<HyperConnectionCase> cases() {
  std::vector<HyperConnectionCase> all(
      std::begin(kHyperConnectionCases), std::end(kHyperConnectionCases));
  all.push_back({"nano, long chunk", 1001, 4, 256});
  all.push_back({"pro, nine tokens", 9, 4, 7168});
  return all;
}

TEST_F(CudaHyperConnection, SameBitsInEveryCompany) {
  const Backend& backend = staged_cuda_backend();
  for (const HyperConnectionCase& shape : cases()) {
    HyperConnectionInputs inputs(shape);
    std::vector<float> expected;
    for (const int64_t part :
         {shape.tokens, int64_t{1}, int64_t{3}, int64_t{21}}) {
      if (shape.tokens > 100 && part == 1)
        continue;
      forget(inputs);
      for (int64_t first = 0; first < shape.tokens; first += part) {
        const int64_t count = std::min(part, shape.tokens - first);
        backend.hyper_connection_between(inputs.between(first, count), team);
        backend.hyper_connection_head(inputs.head(first, count), team);
      }
      if (expected.empty())
        expected = outputs(inputs);
      EXPECT_TRUE(same_bits(expected, outputs(inputs)))
          << shape.name << ", part " << part;
    }
  }
}

TEST_F(CudaHyperConnection, BetweenIsPostThenPre) {
  const Backend& backend = staged_cuda_backend();
  for (const HyperConnectionCase& shape : cases()) {
    HyperConnectionInputs inputs(shape);
    forget(inputs);
    const HyperConnectionBetweenParams params = inputs.between(0, shape.tokens);
    backend.hyper_connection_post(params.post, team);
    backend.hyper_connection_pre(params.pre, team);
    const std::vector<float> expected = outputs(inputs);
    forget(inputs);
    backend.hyper_connection_between(params, team);
    EXPECT_TRUE(same_bits(outputs(inputs), expected)) << shape.name;
  }
}

TEST_F(CudaHyperConnection, TheHeadPicksItsRows) {
  const Backend& backend = staged_cuda_backend();
  for (const HyperConnectionCase& shape : cases()) {
    HyperConnectionInputs inputs(shape);
    backend.hyper_connection_head(inputs.head(0, shape.tokens), team);
    const std::vector<float> all = inputs.head_x;
    forget(inputs);
    const std::vector<int64_t> rows = {shape.tokens - 1, 0, shape.tokens / 2};
    std::vector<float> x(rows.size() * static_cast<size_t>(shape.dim));
    HyperConnectionHeadParams params = inputs.head(0, shape.tokens);
    params.rows = rows.data();
    params.tokens = static_cast<int64_t>(rows.size());
    params.x = x.data();
    backend.hyper_connection_head(params, team);
    for (size_t i = 0; i < rows.size(); ++i)
      EXPECT_EQ(
          std::memcmp(
              x.data() + i * static_cast<size_t>(shape.dim),
              all.data() + rows[i] * shape.dim,
              static_cast<size_t>(shape.dim) * sizeof(float)),
          0)
          << shape.name << ", row " << rows[i];
  }
}

}  // namespace
}  // namespace hadal
