// What the affine encoder makes of channels that go together.
#include <gtest/gtest.h>

#include "kernels/codecs/affine_encode_testing.h"

namespace hadal {
namespace {

using namespace testing;

TEST(AffineFeedback, FeedbackMakesErrorsCancel) {
  constexpr int64_t kWide = 1 << 13;
  const std::vector<float> row = normal_row(7, kWide);
  for (const int bits : {2, 3, 4})
    for (const int64_t block : {64, 512}) {
      const Together inputs(kWide, block, 0.9);
      const AffineFormat format{bits, 64, ScaleFormat::bf16};
      const double alone =
          inputs.cost(row, decode(encode(format, AffineRule::search, row)));
      const double fed = inputs.cost(
          row, decode(encode(format, AffineRule::search, row, inputs.metric)));
      // The geometric mean of R[j, j]^2, 0.19, is what perfect feedback leaves
      // of the error at many levels; fewer levels clip what it asks for.
      EXPECT_LT(fed, 0.4 * alone) << bits << " bits, blocks of " << block;
      EXPECT_GT(fed, 0.15 * alone) << bits << " bits, blocks of " << block;
    }
}

TEST(AffineFeedback, FactorsOfOneColumnOnlyAreWeights) {
  const std::vector<float> row = normal_row(8);
  const Together apart(kCols, 64, 0);
  for (const AffineFormat& format : all_formats()) {
    const std::vector<float> ones(kCols, 1);
    const double with = squared_error(
        row,
        decode(encode(format, AffineRule::search, row, apart.metric)),
        ones);
    const double without = squared_error(
        row, decode(encode(format, AffineRule::search, row)), ones);
    // The fit at the end may find a little more.
    EXPECT_LE(with, without * 1.000001);
    EXPECT_GE(with, without * 0.97);
  }
}

}  // namespace
}  // namespace hadal
