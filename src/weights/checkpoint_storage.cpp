#include "weights/checkpoint_storage.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/check.h"
#include "checkpoint/quote.h"
#include "hadal/error.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/codecs/number_formats.h"

namespace hadal {

std::byte* CheckpointStorage::allocate(
    uint64_t bytes, const StoredTensor& tensor) {
  if (bytes > kCopiedWeightsLimitBytes - copied_bytes_)
    throw Error(
        ErrorCode::unsupported,
        fmt::format(
            "{}: {} {} cannot be used in place (unaligned, or cut through a "
            "block of scales), and copies of such tensors would exceed {} "
            "bytes; write the checkpoint anew with aligned tensors",
            where(tensor),
            name(tensor.dtype),
            tensor.shape.text(),
            kCopiedWeightsLimitBytes));
  copied_bytes_ += bytes;
  // Elements are at most 8 bytes wide, and operator new aligns to 16.
  copies_.push_back(std::make_unique<float[]>((bytes + 3) / 4));
  return reinterpret_cast<std::byte*>(copies_.back().get());
}

const std::byte* CheckpointStorage::aligned(const StoredTensor& tensor) {
  const auto address = reinterpret_cast<uintptr_t>(tensor.data);
  if (address % static_cast<uintptr_t>(alignment(tensor.dtype)) == 0)
    return tensor.data;
  std::byte* copy = allocate(tensor.bytes, tensor);
  std::memcpy(copy, tensor.data, tensor.bytes);
  return copy;
}

const float* CheckpointStorage::as_float32(const StoredTensor& tensor) {
  if (tensor.dtype == Dtype::f32)
    return reinterpret_cast<const float*>(aligned(tensor));
  HADAL_CHECK(tensor.dtype == Dtype::bf16 || tensor.dtype == Dtype::f16);
  const uint64_t count = tensor.bytes / 2;
  auto* wide = reinterpret_cast<float*>(allocate(count * 4, tensor));
  for (uint64_t i = 0; i < count; ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, tensor.data + 2 * i, sizeof bits);
    wide[i] =
        tensor.dtype == Dtype::bf16 ? bf16_to_float(bits) : f16_to_float(bits);
  }
  return wide;
}

WeightView CheckpointStorage::widened(
    const WeightView& view,
    int64_t first,
    int64_t count,
    const StoredTensor& tensor) {
  WeightView wide;
  wide.format = WeightFormat::f32;
  wide.rows = count;
  wide.cols = view.cols;
  wide.row_bytes = view.cols * 4;
  std::byte* copy =
      allocate(static_cast<uint64_t>(count * wide.row_bytes), tensor);
  for (int64_t row = 0; row < count; ++row)
    dequantize_row(
        view,
        first + row,
        reinterpret_cast<float*>(copy + row * wide.row_bytes));
  wide.data = copy;
  return wide;
}

std::string CheckpointStorage::where(const StoredTensor& tensor) const {
  return fmt::format(
      "{}: tensor {}",
      files_.shards()[tensor.shard].path().string(),
      in_quotes(tensor.name));
}

}  // namespace hadal
