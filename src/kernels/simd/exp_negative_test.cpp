// The exponential of numbers that are not positive, on every instruction set.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/case_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd/exp_negative_test.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// In place; counts are multiples of 16.
void test_exp_negative(float* x, int64_t count) {
  const Floats d;
  for (int64_t i = 0; i < count; i += kWidth)
    hn::StoreU(exp_of_negative(d, hn::LoadU(d, x + i)), d, x + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(test_exp_negative);

namespace {

TEST(SimdMath, ExpOfNegative) {
  std::vector<float> x;
  for (int i = 0; i < 16000; ++i)
    x.push_back(static_cast<float>(-i) * (87.0f / 16000.0f));
  x[1] = -1e-30f;
  for_each_target([&](const char* target) {
    std::vector<float> y = x;
    HWY_DYNAMIC_DISPATCH(test_exp_negative)
    (y.data(), static_cast<int64_t>(y.size()));
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = std::exp(double{x[i]});
      EXPECT_NEAR(y[i] / expected, 1.0, 1.2e-7) << target << " at " << x[i];
    }
    EXPECT_EQ(y[0], 1.0f);
    std::vector<float> ends(16, -std::numeric_limits<float>::infinity());
    ends[1] = -87.5f;
    ends[2] = -3e38f;
    HWY_DYNAMIC_DISPATCH(test_exp_negative)(ends.data(), 16);
    for (const float end : ends)
      EXPECT_EQ(end, 0.0f) << target;
  });
}

}  // namespace
}  // namespace hadal
#endif  // HWY_ONCE
