// What a loaded checkpoint keeps alive: the mapped files, and copies of the few
// small tensors that cannot be used where they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "checkpoint/checkpoint_files.h"
#include "kernels/weight_view.h"

namespace hadal {

// All copies together; the weights of any real file stay far below it (Flash in
// bf16 widens 1.3 MB). A file that needs more is refused, not copied.
inline constexpr uint64_t kCopiedWeightsLimitBytes = 64 << 20;

class CheckpointStorage {
 public:
  explicit CheckpointStorage(CheckpointFiles files)
      : files_(std::move(files)) {}

  const CheckpointFiles& files() const { return files_; }
  uint64_t copied_bytes() const { return copied_bytes_; }

  // The tensor's bytes at an address that fits its dtype: in the map, or in a
  // copy when the file has them at an odd place. Throws Error(unsupported) over
  // the limit.
  const std::byte* aligned(const StoredTensor& tensor);

  // The elements as float32: in the map when they are, else widened from bf16
  // or f16 (exactly). Other dtypes break an invariant.
  const float* as_float32(const StoredTensor& tensor);

  // Rows [first, first + count) of a view into `tensor` as a float32 copy.
  // Throws Error(unsupported) over the limit.
  WeightView widened(
      const WeightView& view,
      int64_t first,
      int64_t count,
      const StoredTensor& tensor);

  // "DIR/model-00001-of-00046.safetensors: tensor "x"", to begin a message.
  std::string where(const StoredTensor& tensor) const;

 private:
  std::byte* allocate(uint64_t bytes, const StoredTensor& tensor);

  CheckpointFiles files_;
  std::vector<std::unique_ptr<float[]>> copies_;
  uint64_t copied_bytes_ = 0;
};

}  // namespace hadal
