// The vector helpers on every instruction set: functions against double
// precision, widening of stored rows against the codec, the order of the sums
// against a scalar loop.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/random_weight.h"
#include "kernels/row_format.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/simd/simd_test.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/math-inl.h"
#include "kernels/simd/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// In place; counts are multiples of 16.
void test_exp(float* x, int64_t count) {
  const Floats d;
  for (int64_t i = 0; i < count; i += kWidth)
    hn::StoreU(exp_of(d, hn::LoadU(d, x + i)), d, x + i);
}

void test_sigmoid(float* x, int64_t count) {
  const Floats d;
  for (int64_t i = 0; i < count; i += kWidth)
    hn::StoreU(sigmoid_of(d, hn::LoadU(d, x + i)), d, x + i);
}

void test_softplus(float* x, int64_t count) {
  const Floats d;
  for (int64_t i = 0; i < count; i += kWidth)
    hn::StoreU(softplus_of(d, hn::LoadU(d, x + i)), d, x + i);
}

void test_sine_cosine(
    const double* x, int64_t count, double* sine, double* cosine) {
  const hn::ScalableTag<double> d;
  const int64_t width = static_cast<int64_t>(hn::MaxLanes(d));
  for (int64_t i = 0; i < count; i += width) {
    auto s = hn::Zero(d);
    auto c = hn::Zero(d);
    sine_cosine_of(d, hn::LoadU(d, x + i), s, c);
    hn::StoreU(s, d, sine + i);
    hn::StoreU(c, d, cosine + i);
  }
}

void test_widen(
    RowFormat format,
    int64_t dim,
    int64_t rotary,
    const std::byte* row,
    float* out) {
  widen_row(format, dim, rotary, row, out);
}

// a [4, n] . b [4, n] to sums [4, 4], of which kDotCols columns are written.
void test_dots(const float* a, const float* b, int64_t n, float* sums) {
  const float* rows[kDotRows];
  const float* columns[kDotCols];
  for (int64_t r = 0; r < kDotRows; ++r)
    rows[r] = a + r * n;
  for (int64_t c = 0; c < kDotCols; ++c)
    columns[c] = b + c * n;
  HWY_ALIGN float tile[kDots];
  dot_tile(rows, columns, n, tile);
  for (int64_t r = 0; r < kDotRows; ++r)
    for (int64_t c = 0; c < kDotCols; ++c)
      sums[r * 4 + c] = tile[r * kDotCols + c];
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(test_exp);
HWY_EXPORT(test_sigmoid);
HWY_EXPORT(test_softplus);
HWY_EXPORT(test_sine_cosine);
HWY_EXPORT(test_widen);
HWY_EXPORT(test_dots);

namespace {

// Distance in units of the last place of the float nearest to `exact`.
double ulps(double exact, float found) {
  const float nearest = std::abs(static_cast<float>(exact));
  if (std::isinf(nearest))
    return std::isinf(found) && (found > 0) == (exact > 0) ? 0 : INFINITY;
  const double unit =
      double{std::nextafter(nearest, INFINITY)} - double{nearest};
  return std::abs(double{found} - exact) / unit;
}

// Every float from `low` to `high` in steps of about a thousandth, and around.
std::vector<float> sweep(float low, float high) {
  std::vector<float> values;
  const int steps = 1 << 17;
  for (int i = 0; i <= steps; ++i)
    values.push_back(low + (high - low) * (static_cast<float>(i) / steps));
  for (float tiny = 1e-30f; tiny < 1; tiny *= 3) {
    values.push_back(tiny);
    values.push_back(-tiny);
  }
  while (values.size() % 16 != 0)
    values.push_back(0.0f);
  return values;
}

template <class Exact, class Found>
void expect_within(
    double bound,
    float low,
    float high,
    const Exact& exact,
    const Found& found) {
  const std::vector<float> x = sweep(low, high);
  std::vector<float> first;
  for_each_target([&](const char* target) {
    std::vector<float> y = x;
    found(y.data(), static_cast<int64_t>(y.size()));
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < x.size(); ++i)
      if (const double error = ulps(exact(double{x[i]}), y[i]); error > worst) {
        worst = error;
        where = i;
      }
    EXPECT_LE(worst, bound) << target << " at x = " << x[where];
    if (first.empty())
      first = y;
    EXPECT_EQ(0, std::memcmp(first.data(), y.data(), y.size() * sizeof(float)))
        << target;
  });
}

TEST(SimdMath, Exp) {
  expect_within(
      1.0,
      -110.0f,
      90.0f,
      [](double x) { return std::exp(x); },
      [](float* x, int64_t n) {
        HWY_DYNAMIC_DISPATCH(test_exp)
        (x, n);
      });
}

TEST(SimdMath, Sigmoid) {
  expect_within(
      3.0,
      -80.0f,
      40.0f,
      [](double x) { return 1 / (1 + std::exp(-x)); },
      [](float* x, int64_t n) {
        HWY_DYNAMIC_DISPATCH(test_sigmoid)
        (x, n);
      });
}

TEST(SimdMath, Softplus) {
  expect_within(
      3.0,
      -80.0f,
      40.0f,
      [](double x) { return x > 20 ? x : std::log1p(std::exp(x)); },
      [](float* x, int64_t n) {
        HWY_DYNAMIC_DISPATCH(test_softplus)
        (x, n);
      });
}

TEST(SimdMath, ExpAtTheEnds) {
  for_each_target([](const char* target) {
    std::vector<float> x(16, 0.0f);
    x[0] = -INFINITY;
    x[1] = INFINITY;
    x[2] = NAN;
    x[3] = -3e38f;
    x[4] = 3e38f;
    HWY_DYNAMIC_DISPATCH(test_exp)(x.data(), 16);
    EXPECT_EQ(x[0], 0.0f) << target;
    EXPECT_EQ(x[1], INFINITY) << target;
    EXPECT_TRUE(std::isnan(x[2])) << target;
    EXPECT_EQ(x[3], 0.0f) << target;
    EXPECT_EQ(x[4], INFINITY) << target;
    EXPECT_EQ(x[5], 1.0f) << target;
  });
}

TEST(SimdMath, SineAndCosine) {
  std::vector<double> x;
  for (int i = -40000; i < 40000; ++i)
    x.push_back(i * 0.0317);
  for (int i = 0; i < 40000; ++i)
    x.push_back(i * 26.2144 + 0.1);  // to 2^20
  for (int i = 0; i < 16; ++i)
    x.push_back(double(1 << 23) * (i + 1) + 0.5);
  const int64_t count = static_cast<int64_t>(x.size());
  ASSERT_EQ(count % 16, 0);
  for_each_target([&](const char* target) {
    std::vector<double> sine(x.size());
    std::vector<double> cosine(x.size());
    HWY_DYNAMIC_DISPATCH(test_sine_cosine)
    (x.data(), count, sine.data(), cosine.data());
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      worst = std::max(worst, std::abs(sine[i] - std::sin(x[i])));
      worst = std::max(worst, std::abs(cosine[i] - std::cos(x[i])));
    }
    EXPECT_LE(worst, 1e-15) << target;
  });
}

TEST(SimdRows, WidenLikeTheCodec) {
  for (const RowFormat format :
       {RowFormat::f32, RowFormat::bf16, RowFormat::fp8, RowFormat::fp4})
    for (const int64_t dim : {512, 128, 80, 24}) {
      const RowLayout layout{format, dim, dim == 24 ? 8 : 16};
      const std::vector<float> values = random_values(dim, 77);
      std::vector<std::byte> row(layout.row_bytes());
      encode_row(layout, values.data(), row.data());
      std::vector<float> expected(dim);
      decode_row(layout, row.data(), expected.data());
      for_each_target([&](const char* target) {
        std::vector<float> found(dim);
        HWY_DYNAMIC_DISPATCH(test_widen)
        (format, dim, layout.rotary, row.data(), found.data());
        EXPECT_EQ(found, expected) << target << " dim " << dim;
      });
    }
}

// All 256 codes under several scales, NaN codes and the NaN scale included.
TEST(SimdRows, EveryE4m3Code) {
  const RowLayout layout{RowFormat::fp8, 256, 0};
  std::vector<std::byte> row(layout.row_bytes());
  for (int code = 0; code < 256; ++code)
    row[code] = static_cast<std::byte>(code);
  for (const int scale : {0, 1, 100, 127, 200, 254, 255}) {
    for (int block = 0; block < 4; ++block)
      row[256 + block] = static_cast<std::byte>(scale);
    std::vector<float> expected(256);
    decode_row(layout, row.data(), expected.data());
    for_each_target([&](const char* target) {
      std::vector<float> found(256);
      HWY_DYNAMIC_DISPATCH(test_widen)
      (RowFormat::fp8, 256, 0, row.data(), found.data());
      for (int code = 0; code < 256; ++code)
        EXPECT_TRUE(
            found[code] == expected[code] ||
            (std::isnan(found[code]) && std::isnan(expected[code])))
            << target << " code " << code << " scale " << scale;
    });
  }
}

float dot_in_lanes(const float* a, const float* b, int64_t n) {
  float lanes[16] = {};
  for (int64_t i = 0; i < n; ++i)
    lanes[i % 16] = std::fma(a[i], b[i], lanes[i % 16]);
  for (int half = 8; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane)
      lanes[lane] += lanes[lane + half];
  return lanes[0];
}

TEST(SimdLanes, DotProductsInTheirOrder) {
  const int64_t n = 208;
  const std::vector<float> a = random_values(4 * n, 1);
  const std::vector<float> b = random_values(4 * n, 2);
  for_each_target([&](const char* target) {
    std::vector<float> sums(16, NAN);
    HWY_DYNAMIC_DISPATCH(test_dots)(a.data(), b.data(), n, sums.data());
    for (int64_t r = 0; r < 4; ++r) {
      EXPECT_FALSE(std::isnan(sums[r * 4 + 1]))
          << target;  // two columns or four
      for (int64_t c = 0; c < 4 && !std::isnan(sums[r * 4 + c]); ++c)
        EXPECT_EQ(sums[r * 4 + c], dot_in_lanes(&a[r * n], &b[c * n], n))
            << target << " " << r << " " << c;
    }
  });
}

}  // namespace
}  // namespace hadal
#endif  // HWY_ONCE
