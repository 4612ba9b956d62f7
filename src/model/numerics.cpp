#include "model/numerics.h"

namespace hadal {

bool takes_fp8_input(const WeightView& weight) {
  return weight.format == WeightFormat::fp8_block ||
         weight.format == WeightFormat::mxfp4 ||
         weight.format == WeightFormat::mxfp8;
}

ActivationFormat activation_for(const WeightView& weight, const Numerics& how) {
  if (how.exact || weight.format == WeightFormat::f32)
    return ActivationFormat::f32;
  const bool fits_bf16 = weight.format == WeightFormat::fp8_block ||
                         weight.format == WeightFormat::mxfp8 ||
                         weight.format == WeightFormat::bf16;
  // An E4M3 code times a power of two is a bfloat16 already; int8 would round
  // it a second time.
  if (how.gemm_fp8)
    return fits_bf16 ? ActivationFormat::bf16 : ActivationFormat::f32;
  if (how.bf16_activations)
    return ActivationFormat::bf16;
  // int8 activations on the FP4 experts miss the noise bar; sixteen bits keep
  // it: docs/notes/2026-11-24-default-precision.md.
  if (weight.format == WeightFormat::mxfp4)
    return ActivationFormat::int16;
  if (weight.format == WeightFormat::affine)
    return ActivationFormat::int8;
  return fits_bf16 ? ActivationFormat::bf16 : ActivationFormat::f32;
}

}  // namespace hadal
