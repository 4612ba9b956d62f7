// Rows of activations on their way into an expert's products.
#pragma once

#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/experts/experts_params.h"
#include "kernels/linear/product.h"

namespace hadal {

// How the products with a weight take their input (experts.h).
struct RowsForm {
  ActivationFormat format = ActivationFormat::f32;
  bool rounded = false;  // by the E4M3 round trip first

  friend bool operator==(const RowsForm&, const RowsForm&) = default;
};

RowsForm rows_form(
    const ExpertsParams& params,
    const WeightView& weight,
    ActivationFormat activation);

// Rows in a form; the memory is kept from call to call.
class ExpertRows {
 public:
  // `source` [rows, cols] must live as long as the input is used.
  void begin(
      const RowsForm& form, const float* source, int64_t rows, int64_t cols);
  // Fills rows [begin, end); disjoint ranges by several threads at once.
  void prepare(int64_t begin, int64_t end) const;
  int64_t rows() const { return input_.rows; }
  int64_t cols() const { return input_.cols; }
  const ProductInput& input() const { return input_; }

 private:
  RowsForm form_;
  const float* source_ = nullptr;
  ProductInput input_;
  AlignedBuffer<float> rounded_;
  AlignedBuffer<std::byte> memory_;
  float* rounded_rows_ = nullptr;
};

}  // namespace hadal
