// linear_many_cpu: the bits of linear_cpu, on every instruction set and however
// the work is split.
#include "kernels/linear_many/linear_many.h"

#include <gtest/gtest.h>

#include "kernels/case_targets.h"
#include "kernels/kernel_check.h"
#include "kernels/linear/linear.h"
#include "kernels/linear_many/linear_many_cases.h"
#include "kernels/same_bits.h"

namespace hadal {
namespace {

TEST(LinearMany, AgreesWithTheReference) {
  Backend backend{};
  backend.linear_many = linear_many_cpu;
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_linear_many(backend, team, checks);
  EXPECT_EQ(checks.size(), linear_many_cases().size());
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name << ": " << check.max_error << " > "
                          << check.tolerance;
}

TEST(LinearMany, HasTheBitsOfTheSingleProducts) {
  for (const LinearManyCase& the_case : linear_many_cases()) {
    const LinearManyInputs inputs(the_case);
    const auto size = static_cast<size_t>(inputs.outputs());
    for_each_target([&](const char* target) {
      std::vector<float> expected(size);
      ThreadTeam one(1);
      for (const LinearParams& params : inputs.products(expected))
        linear_cpu(params, one);
      for (const int threads : {1, 2, 3, 5}) {
        ThreadTeam team(threads);
        std::vector<float> found(size, -777.0F);
        linear_many_cpu(inputs.products(found), team);
        expect_same_bits(
            found, expected, std::string(the_case.name) + " on " + target);
      }
    });
  }
}

TEST(LinearMany, Nothing) {
  ThreadTeam team(2);
  linear_many_cpu({}, team);
  const LinearManyInputs inputs(linear_many_cases().front());
  std::vector<float> y(static_cast<size_t>(inputs.outputs()), 5.0F);
  std::vector<LinearParams> products = inputs.products(y);
  for (LinearParams& params : products)
    params.tokens = 0;
  linear_many_cpu(products, team);
  EXPECT_EQ(y, std::vector<float>(y.size(), 5.0F));
}

}  // namespace
}  // namespace hadal
