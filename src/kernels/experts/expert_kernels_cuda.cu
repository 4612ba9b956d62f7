// Which kernel takes which formats. Of two different formats there is one for
// what the models have; others go in two launches.
#include "kernels/experts/expert_instances.h"

namespace hadal::cuda {

bool takes_expert_product(const WeightView& like) {
  const auto whole = [](int64_t bytes) { return bytes % 16 == 0; };
  switch (like.format) {
    case WeightFormat::bf16:
      return whole(like.row_bytes) && whole(2 * like.cols);
    case WeightFormat::fp8_block:
      return whole(like.row_bytes) && whole(like.cols);
    case WeightFormat::mxfp8:
      return whole(like.row_bytes) && like.cols % 32 == 0 &&
             like.scale_stride % 4 == 0;
    case WeightFormat::mxfp4:
      return whole(like.row_bytes) && like.cols % 32 == 0 &&
             like.scale_stride % 4 == 0;
    case WeightFormat::affine:
      return whole(like.row_bytes) && whole(like.cols * like.bits / 8) &&
             like.cols % like.group == 0 && like.scale_stride % 4 == 0;
    case WeightFormat::f32:
    case WeightFormat::f16:
      break;
  }
  return false;
}

bool takes_expert_stream(const WeightView& like) {
  if (!takes_expert_product(like) || like.cols % kSegmentColumns != 0)
    return false;
  const auto whole = [&](int64_t row) {
    return row % 16 == 0 && like.scale_stride % 16 == 0;
  };
  switch (like.format) {
    case WeightFormat::mxfp8:
    case WeightFormat::mxfp4:
      return whole(like.cols / 32);
    case WeightFormat::affine:
      return whole(like.cols / like.group * bytes_per_scale(like.scale_format));
    default:
      return true;
  }
}

ExpertKernel expert_kernel(const WeightView& routed, const WeightView& shared) {
  const ExpertRowsKind first = expert_rows_kind(routed);
  const ExpertRowsKind second = expert_rows_kind(shared);
  using enum ExpertRowsKind;
  if (first == second)
    switch (first) {
      case bf16:
        return bf16_experts();
      case e4m3_block:
        return e4m3_block_experts();
      case e4m3_apart:
        return e4m3_apart_experts();
      case e4m3_group:
        return e4m3_group_experts();
      case e2m1:
        return e2m1_experts();
      case affine2:
        return affine2_experts();
      case affine4:
        return affine4_experts();
      case affine8:
        return affine8_experts();
      case affine_odd:
        return affine_odd_experts();
    }
  if (first == e2m1 && second == e4m3_block)
    return e2m1_with_e4m3_block_experts();
  if (first == e2m1 && second == affine4)
    return e2m1_with_affine4_experts();
  if (first == e2m1 && second == affine8)
    return e2m1_with_affine8_experts();
  if (first == affine2 && second == affine4)
    return affine2_with_affine4_experts();
  return {};
}

}  // namespace hadal::cuda
