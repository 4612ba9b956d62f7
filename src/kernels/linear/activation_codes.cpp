#include "kernels/linear/activation_codes.h"

#include <cmath>
#include <limits>

#include "kernels/codecs/number_formats.h"

namespace hadal {

float encode_activation_block(
    const float* values, int64_t count, int32_t limit, int32_t* codes) {
  for (int64_t i = 0; i < kActivationBlock; ++i)
    codes[i] = 0;
  const float amax = largest_magnitude(values, count);
  if (!std::isfinite(amax))
    return std::numeric_limits<float>::quiet_NaN();
  if (amax < kSmallestBlock)
    return 0;
  const float largest = static_cast<float>(limit);
  const float inverse = largest / amax;
  for (int64_t i = 0; i < count; ++i)
    codes[i] = static_cast<int32_t>(std::nearbyint(values[i] * inverse));
  return amax / largest;
}

}  // namespace hadal
