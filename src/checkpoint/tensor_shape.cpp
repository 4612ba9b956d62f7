#include "checkpoint/tensor_shape.h"

namespace hadal {

std::optional<int64_t> TensorShape::elements() const {
  // A zero hides an overflow before it: [2^40, 2^40, 0] is empty, and fine.
  if (std::find(begin(), end(), 0) != end())
    return 0;
  int64_t product = 1;
  for (int64_t extent : *this)
    if (__builtin_mul_overflow(product, extent, &product))
      return std::nullopt;
  return product;
}

std::string TensorShape::text() const {
  std::string out = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis > 0)
      out += ", ";
    out += std::to_string((*this)[axis]);
  }
  return out + "]";
}

}  // namespace hadal
