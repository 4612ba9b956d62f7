// Views of parts of a matrix.
#include "kernels/weight_view.h"

#include "base/check.h"

namespace hadal {

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
