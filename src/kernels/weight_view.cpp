// Views of parts of a matrix, and the sizes of its scales.
#include "kernels/weight_view.h"

#include "base/check.h"

namespace hadal {

int64_t bytes_per_scale(ScaleFormat format) {
  switch (format) {
    case ScaleFormat::none:
      return 0;
    case ScaleFormat::e8m0:
      return 1;
    case ScaleFormat::bf16:
    case ScaleFormat::f16:
      return 2;
    case ScaleFormat::f32:
      return 4;
  }
  return 0;
}

int64_t columns_per_scale(const WeightView& like) {
  switch (like.format) {
    case WeightFormat::f32:
    case WeightFormat::bf16:
    case WeightFormat::f16:
      return 0;
    case WeightFormat::fp8_block:
      return 128;
    case WeightFormat::mxfp4:
    case WeightFormat::mxfp8:
      return 32;
    case WeightFormat::affine:
      return like.group;
  }
  return 0;
}

WeightView row_slice(const WeightView& view, int64_t first, int64_t count) {
  HADAL_CHECK(first >= 0 && count >= 0 && first + count <= view.rows);
  WeightView slice = view;
  slice.rows = count;
  slice.data += first * view.row_bytes;
  if (view.format == WeightFormat::fp8_block) {
    HADAL_CHECK(first % 128 == 0);
    slice.scales += first / 128 * view.scale_stride;
  } else if (view.scales != nullptr) {
    slice.scales += first * view.scale_stride;
    if (view.biases != nullptr)
      slice.biases += first * view.scale_stride;
  }
  return slice;
}

}  // namespace hadal
