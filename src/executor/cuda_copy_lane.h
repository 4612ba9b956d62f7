// Pinned buffers and a stream for copies to the GPU.
#pragma once

#include <memory>

#include "executor/staged_copy.h"

namespace hadal {

// Copies into the block at `image`, which is device memory. Throws
// Error(resource) when no memory can be pinned, Error(internal) when the GPU
// fails.
std::unique_ptr<CopyLane> make_cuda_copy_lane(std::byte* image);

}  // namespace hadal
