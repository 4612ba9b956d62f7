// What a format costs a matrix, measured on some of its rows. Internal to this
// folder.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "convert/channel_weights.h"
#include "convert/plan.h"
#include "kernels/codecs/affine_encode.h"

namespace hadal {

// Noise over signal of the products with a kind of matrix, and its size.
struct FormatCost {
  double noise = 0;  // weighted squared error over weighted squares
  uint64_t bytes = 0;
};

// By TensorId; bytes are of all modules of a kind. Noise is measured on rows of
// modules spread evenly over the layers, encoded as they would be; 0 where the
// plan keeps the numbers.
std::array<FormatCost, kTensorIdCount> format_costs(
    const ConvertPlan& plan, AffineRule rule, const ChannelWeights& weights);

}  // namespace hadal
