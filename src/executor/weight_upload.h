// Which bytes of a model a device needs, and where they go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "executor/staged_copy.h"
#include "weights/model_weights.h"

namespace hadal {

// One image of all matrices (matrices.h) in the order in which they lie on the
// disk; each part of a view, its codes, scales or biases, begins at a multiple
// of 256 bytes. Views that share their bytes share them in the image.
struct WeightUpload {
  int64_t bytes = 0;                  // of the image
  std::vector<CopySegment> segments;  // by `at`
};

WeightUpload plan_upload(ModelWeights& weights);

// Makes every matrix's pointers lead into the image at `image`, strides as they
// are. `upload` is plan_upload's of the same weights.
void point_to_image(
    ModelWeights& weights, const WeightUpload& upload, std::byte* image);

}  // namespace hadal
