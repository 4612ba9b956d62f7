// What recorded uses add up to, and what they are called.
#include <fmt/format.h>

#include "bench/kernel_recorder.h"

namespace hadal {

double ideal_seconds(const double* operations, const Ceilings& ceilings) {
  double seconds = 0;
  for (int i = 0; i < kArithmeticCount; ++i)
    if (operations[i] > 0) {
      const double peak = ceilings.peaks[i] > 0
                              ? ceilings.peaks[i]
                              : ceilings.peak(Arithmetic::fp32_fma);
      seconds += operations[i] / peak;
    }
  return seconds;
}

KernelTotals totals(
    const std::vector<KernelUse>& uses, const Ceilings& ceilings) {
  KernelTotals sums;
  for (const KernelUse& use : uses) {
    sums.seconds += use.seconds;
    sums.weight_bytes += use.weight_bytes;
    sums.cache_bytes += use.cache_bytes;
    sums.ideal_product_seconds += ideal_seconds(use.operations, ceilings);
  }
  return sums;
}

Arithmetic product_arithmetic(ActivationFormat activation) {
  switch (activation) {
    case ActivationFormat::f32:
      return Arithmetic::fp32_fma;
    case ActivationFormat::bf16:
      return Arithmetic::bf16_dot;
    case ActivationFormat::int8:
      return Arithmetic::int8_dot;
    case ActivationFormat::int16:
      return Arithmetic::int16_dot;
  }
  return Arithmetic::fp32_fma;
}

std::string format_name(const WeightView& weight) {
  switch (weight.format) {
    case WeightFormat::f32:
      return "f32";
    case WeightFormat::bf16:
      return "bf16";
    case WeightFormat::f16:
      return "f16";
    case WeightFormat::fp8_block:
      return "fp8";
    case WeightFormat::mxfp4:
      return "mxfp4";
    case WeightFormat::mxfp8:
      return "mxfp8";
    case WeightFormat::affine:
      return fmt::format("affine{}", weight.bits);
  }
  return "";
}

}  // namespace hadal
