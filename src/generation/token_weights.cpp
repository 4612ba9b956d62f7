// Lanes are tokens.
#include "generation/token_weights.h"

#include "generation/probability_weight.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "generation/token_weights.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

using Doubles = hn::ScalableTag<double>;
using DoubleVec = hn::Vec<Doubles>;
constexpr int64_t kDoubles = static_cast<int64_t>(hn::MaxLanes(Doubles()));

bool CopyLogits(const float* logits, int64_t count, float* out) {
  const Floats d;
  const FloatVec largest = hn::Set(d, __FLT_MAX__);
  bool good = true;
  int64_t i = 0;
  for (; i + kWidth <= count; i += kWidth) {
    const FloatVec v = hn::LoadU(d, logits + i);
    good = good && hn::AllTrue(d, hn::Le(v, largest));
    hn::StoreU(v, d, out + i);
  }
  for (; i < count; ++i) {
    good = good && logits[i] <= __FLT_MAX__;
    out[i] = logits[i];
  }
  return good;
}

void BlockMaxima(const float* logits, int64_t count, float* maxima) {
  const Floats d;
  int64_t i = 0;
  for (; i + kTokenBlock <= count; i += kTokenBlock) {
    FloatVec largest = hn::LoadU(d, logits + i);
    for (int64_t k = kWidth; k < kTokenBlock; k += kWidth)
      largest = hn::Max(largest, hn::LoadU(d, logits + i + k));
    maxima[i / kTokenBlock] = hn::GetLane(hn::MaxOfLanes(d, largest));
  }
  if (i == count)
    return;
  float largest = logits[i];
  for (int64_t k = i + 1; k < count; ++k)
    largest = logits[k] > largest ? logits[k] : largest;
  maxima[i / kTokenBlock] = largest;
}

// As the function of the same name in probability_weight.h, step by step: what
// it converts to an integer is here a whole double, and 2^52 more than it has
// that integer in its lowest bits.
HWY_INLINE DoubleVec powers_of_two(DoubleVec y) {
  const Doubles d;
  const hn::RebindToUnsigned<Doubles> du;
  y = hn::Max(y, hn::Set(d, -1001.0));
  const DoubleVec whole = hn::Trunc(hn::Sub(y, hn::Set(d, 0.5)));
  const DoubleVec r =
      hn::Mul(hn::Sub(y, whole), hn::Set(d, 0.6931471805599453));
  constexpr double kFactors[] = {
      1.0 / 39916800,
      1.0 / 3628800,
      1.0 / 362880,
      1.0 / 40320,
      1.0 / 5040,
      1.0 / 720,
      1.0 / 120,
      1.0 / 24,
      1.0 / 6,
      0.5,
      1.0,
      1.0};
  DoubleVec sum = hn::Set(d, 1.0 / 479001600);
  for (const double factor : kFactors)
    sum = hn::Add(hn::Mul(sum, r), hn::Set(d, factor));
  const DoubleVec exponent =
      hn::Add(hn::Add(whole, hn::Set(d, 1023.0)), hn::Set(d, 0x1p52));
  const DoubleVec power =
      hn::BitCast(d, hn::ShiftLeft<52>(hn::BitCast(du, exponent)));
  return hn::IfThenElseZero(
      hn::Ge(y, hn::Set(d, -1000.0)), hn::Mul(sum, power));
}

HWY_INLINE DoubleVec
log2_ratios(const float* logits, double highest, double scale) {
  const Doubles d;
  const hn::Rebind<float, Doubles> narrow;
  return hn::Mul(
      hn::Sub(hn::PromoteTo(d, hn::LoadU(narrow, logits)), hn::Set(d, highest)),
      hn::Set(d, scale));
}

// The last vector of a block may be short: it is worked on in a copy.
template <class Body>
HWY_INLINE void for_vectors(const float* logits, int64_t count, Body body) {
  int64_t i = 0;
  for (; i + kDoubles <= count; i += kDoubles)
    body(logits + i, i, kDoubles);
  if (i == count)
    return;
  float rest[kDoubles];
  for (int64_t k = 0; k < kDoubles; ++k)
    rest[k] = logits[i + k < count ? i + k : count - 1];
  body(rest, i, count - i);
}

void WeighTokens(
    const float* logits,
    int64_t count,
    double highest,
    double scale,
    uint64_t* weights,
    uint64_t* sums,
    uint64_t* peaks) {
  const Doubles d;
  const hn::RebindToUnsigned<Doubles> du;
  const auto mantissa = hn::Set(du, (uint64_t{1} << 52) - 1);
  for (int64_t first = 0; first < count; first += kTokenBlock) {
    const int64_t size =
        count - first < kTokenBlock ? count - first : kTokenBlock;
    auto sum = hn::Zero(du);
    DoubleVec peak = hn::Zero(d);
    uint64_t rest_sum = 0;
    for_vectors(
        logits + first,
        size,
        [&](const float* from, int64_t i, int64_t n) HWY_ATTR {
          const DoubleVec rounded = hn::Floor(hn::Add(
              hn::Mul(
                  powers_of_two(log2_ratios(from, highest, scale)),
                  hn::Set(d, static_cast<double>(kFullWeight))),
              hn::Set(d, 0.5)));
          const auto whole = hn::And(
              hn::BitCast(du, hn::Add(rounded, hn::Set(d, 0x1p52))), mantissa);
          // A token that stands in for one past the end changes no peak.
          peak = hn::Max(peak, rounded);
          if (n == kDoubles) {
            hn::StoreU(whole, du, weights + first + i);
            sum = hn::Add(sum, whole);
            return;
          }
          uint64_t lanes[kDoubles];
          hn::StoreU(whole, du, lanes);
          for (int64_t k = 0; k < n; ++k) {
            weights[first + i + k] = lanes[k];
            rest_sum += lanes[k];
          }
        });
    uint64_t lanes[kDoubles];
    double peaks_of_lanes[kDoubles];
    hn::StoreU(sum, du, lanes);
    hn::StoreU(peak, d, peaks_of_lanes);
    double largest = 0;
    for (int64_t k = 0; k < kDoubles; ++k) {
      rest_sum += lanes[k];
      largest = peaks_of_lanes[k] > largest ? peaks_of_lanes[k] : largest;
    }
    sums[first / kTokenBlock] = rest_sum;
    peaks[first / kTokenBlock] = static_cast<uint64_t>(largest);
  }
}

void TokenPowers(
    const float* logits,
    int64_t count,
    double highest,
    double scale,
    double* powers) {
  const Doubles d;
  for_vectors(
      logits, count, [&](const float* from, int64_t i, int64_t n) HWY_ATTR {
        const DoubleVec power =
            powers_of_two(log2_ratios(from, highest, scale));
        if (n == kDoubles)
          return hn::StoreU(power, d, powers + i);
        double lanes[kDoubles];
        hn::StoreU(power, d, lanes);
        for (int64_t k = 0; k < n; ++k)
          powers[i + k] = lanes[k];
      });
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(CopyLogits);
HWY_EXPORT(BlockMaxima);
HWY_EXPORT(WeighTokens);
HWY_EXPORT(TokenPowers);

bool copy_logits(const float* logits, int64_t count, float* out) {
  return HWY_DYNAMIC_DISPATCH(CopyLogits)(logits, count, out);
}

void block_maxima(const float* logits, int64_t count, float* maxima) {
  HWY_DYNAMIC_DISPATCH(BlockMaxima)(logits, count, maxima);
}

void weigh_tokens(
    std::span<const float> logits,
    double highest,
    double scale,
    TokenWeights& out) {
  const auto count = static_cast<int64_t>(logits.size());
  const auto blocks = static_cast<size_t>(token_blocks(count));
  out.weights.resize(logits.size());
  out.sums.resize(blocks);
  out.peaks.resize(blocks);
  HWY_DYNAMIC_DISPATCH(WeighTokens)
  (logits.data(),
   count,
   highest,
   scale,
   out.weights.data(),
   out.sums.data(),
   out.peaks.data());
}

void token_powers(
    const float* logits,
    int64_t count,
    double highest,
    double scale,
    double* powers) {
  HWY_DYNAMIC_DISPATCH(TokenPowers)(logits, count, highest, scale, powers);
}

}  // namespace hadal
#endif  // HWY_ONCE
