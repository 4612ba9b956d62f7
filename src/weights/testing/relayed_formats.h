// For tests: matrices of the release encoded in the formats of other layouts
// (spec 7.2, 7.4). Internal to relay_checkpoint.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"

namespace hadal::testing {

using Bytes = std::vector<std::byte>;

struct RelayedTensor {
  Dtype dtype = Dtype::u8;
  TensorShape shape;
  Bytes bytes;
};

// All parts of one module: weight and scale in the release, weight, scales and
// biases in MLX.
using Parts = std::map<std::string, RelayedTensor>;

// A release matrix as numbers.
struct Matrix {
  int64_t rows = 0;
  int64_t cols = 0;
  std::vector<float> values;
};

RelayedTensor tensor_of(const StoredTensor& stored);

// Packed FP4, FP8 with block scales or BF16 -> numbers.
Matrix decode(const Parts& parts);

RelayedTensor bf16_tensor(
    const TensorShape& shape, const std::vector<float>& values);

// Affine words of `bits`. scale * code + bias runs from the smallest to the
// largest value of each group; with `fp4_units`, the scales of FP4 values a
// group, in exact steps of half a unit from -6 units.
Parts affine(
    const Matrix& matrix,
    int bits,
    int64_t group,
    const RelayedTensor* fp4_units);

// The release's own bytes as mxfp4 or mxfp8 words.
Parts words(const Parts& parts);

// [rows, cols] of each item -> [items, rows, cols], part by part.
Parts stack_parts(const std::vector<Parts>& items);

// Rows [first, first + count) of a matrix.
RelayedTensor rows_of(
    const RelayedTensor& tensor, int64_t first, int64_t count);

}  // namespace hadal::testing
