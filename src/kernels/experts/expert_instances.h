// The instances of the experts' kernel, by the formats of the routed experts
// and of the shared one. Each group of them is a file of its own, so that they
// are built side by side.
#pragma once

#include "kernels/experts/expert_products.h"

namespace hadal::cuda {

enum class ExpertRowsKind : uint8_t {
  bf16,
  e4m3_block,  // E8M0 scales
  e4m3_apart,  // float32 scales
  e4m3_group,  // mxfp8
  e2m1,
  affine2,
  affine4,
  affine8,
  affine_odd,  // 3, 5 and 6 bits
};

// Of a view that takes_expert_product().
constexpr ExpertRowsKind expert_rows_kind(const WeightView& like) {
  using enum ExpertRowsKind;
  switch (like.format) {
    case WeightFormat::fp8_block:
      return like.scale_format == ScaleFormat::e8m0 ? e4m3_block : e4m3_apart;
    case WeightFormat::mxfp8:
      return e4m3_group;
    case WeightFormat::mxfp4:
      return e2m1;
    case WeightFormat::affine:
      return like.bits == 2   ? affine2
             : like.bits == 4 ? affine4
             : like.bits == 8 ? affine8
                              : affine_odd;
    default:
      return bf16;
  }
}

ExpertKernel bf16_experts();
ExpertKernel e4m3_block_experts();
ExpertKernel e4m3_apart_experts();
ExpertKernel e4m3_group_experts();
ExpertKernel e2m1_experts();
ExpertKernel affine2_experts();
ExpertKernel affine4_experts();
ExpertKernel affine8_experts();
ExpertKernel affine_odd_experts();
ExpertKernel e2m1_with_e4m3_block_experts();
ExpertKernel e2m1_with_affine4_experts();
ExpertKernel e2m1_with_affine8_experts();
ExpertKernel affine2_with_affine4_experts();

}  // namespace hadal::cuda
