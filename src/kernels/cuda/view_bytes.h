// How many bytes of memory a view reaches over.
#pragma once

#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal::cuda {

struct ViewBytes {
  int64_t data = 0;
  int64_t scales = 0;  // and as many of biases
};

// From the first byte of the first row to the last of the last, which may be
// shorter than row_bytes.
ViewBytes view_bytes(const WeightView& view);

}  // namespace hadal::cuda
