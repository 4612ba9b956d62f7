// Stored tensors -> WeightViews, with every shape and dtype checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/quantization.h"
#include "kernels/weight_view.h"
#include "weights/checkpoint_storage.h"
#include "weights/tensor_registry.h"

namespace hadal {

// What the files have of one logical tensor: its weight, and for quantised
// formats what belongs to it.
struct StoredParts {
  const StoredTensor* weight = nullptr;
  const StoredTensor* scales = nullptr;
  const StoredTensor* biases = nullptr;
};

// How the items of a stack lie in one stored tensor.
enum class StackForm : uint8_t {
  single,     // no stack: [rows, cols]
  leading,    // [items, rows, cols]
  flattened,  // [items * rows, cols]
};

struct MatrixRequest {
  StackForm form = StackForm::single;
  int64_t items = 1;
  LogicalShape shape;  // of one item
};

// All errors: Error(corrupt) for a wrong shape, dtype or missing companion
// ("FILE: tensor NAME: found, expected"), Error(unsupported) for valid formats
// that cannot be read.
class WeightReader {
 public:
  // `plan` may be null; both outlive the reader.
  WeightReader(CheckpointStorage& storage, const QuantizationPlan* plan);

  // One view an item. Formats: F32, BF16, F16; F8_E4M3 with scales F8_E8M0 or
  // F32 a block of 128 x 128; I8 (two E2M1 codes) with F8_E8M0 scales a group
  // of 32; U32 words as the plan says, with U8 or F8_E8M0 scales (mx) or float
  // scales and biases (affine).
  std::vector<WeightView> matrices(
      const StoredParts& parts,
      const TensorPlace& place,
      const MatrixRequest& request);

  // Rows [first, first + count) of a view into `weight`. Where they begin
  // inside a block of FP8 scales and reach into the next, no view can say so:
  // those rows (of odd sizes only, no published model has them) are widened
  // into a float32 copy.
  WeightView row_part(
      const WeightView& view,
      int64_t first,
      int64_t count,
      const StoredTensor& weight);

  // A matrix or vector in a float dtype, as it lies.
  WeightView plain(
      const StoredParts& parts, LogicalShape shape, bool allow_f16);
  // The same as float32.
  WeightView float32(const StoredParts& parts, LogicalShape shape);
  // I64 or I32.
  const std::byte* ids(
      const StoredParts& parts, LogicalShape shape, bool& is_64_bit);

 private:
  struct Tall;  // all items' rows in one view

  Tall read_any(
      const StoredParts& parts,
      const TensorPlace& place,
      const MatrixRequest& request);
  Tall read_fp8(const StoredParts& parts, const MatrixRequest& request);
  Tall read_fp4(const StoredParts& parts, const MatrixRequest& request);
  Tall read_words(
      const StoredParts& parts,
      const TensorPlace& place,
      const MatrixRequest& request);

  ModuleQuantization module_plan(
      const StoredTensor& weight, const TensorPlace& place) const;
  void require_shape(
      const StoredTensor& tensor, const TensorShape& expected) const;
  void require_no_companions(const StoredParts& parts) const;
  const StoredTensor& require_scales(const StoredParts& parts) const;
  [[noreturn]] void wrong_dtype(
      const StoredTensor& tensor, std::string_view expected) const;

  CheckpointStorage& storage_;
  const QuantizationPlan* plan_;
  // The plan's modules by their place in the model, for repositories that spell
  // them otherwise than their tensors.
  std::map<std::string, std::optional<ModuleQuantization>> plan_by_place_;
};

}  // namespace hadal
