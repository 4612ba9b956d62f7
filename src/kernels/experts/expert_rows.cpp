#include "kernels/experts/expert_rows.h"

#include <algorithm>

#include "kernels/activation_rounding/block_rounding.h"

namespace hadal {
namespace {

constexpr int64_t kRoundedBlock = 128;

bool takes_fp8_input(const WeightView& weight) {
  return weight.format == WeightFormat::fp8_block ||
         weight.format == WeightFormat::mxfp8 ||
         weight.format == WeightFormat::mxfp4;
}

}  // namespace

RowsForm rows_form(
    const ExpertsParams& params,
    const WeightView& weight,
    ActivationFormat activation) {
  return {activation, params.gemm_fp8 && takes_fp8_input(weight)};
}

void ExpertRows::begin(
    const RowsForm& form, const float* source, int64_t rows, int64_t cols) {
  form_ = form;
  source_ = source;
  rounded_rows_ = form.rounded ? rounded_.reserve(rows * cols) : nullptr;
  input_ = lay_out_product_input(
      form.format,
      rows,
      cols,
      memory_.reserve(product_input_bytes(form.format, rows, cols)));
}

void ExpertRows::prepare(int64_t begin, int64_t end) const {
  const int64_t cols = input_.cols;
  const float* rows = source_;
  if (form_.rounded) {
    for (int64_t r = begin; r < end; ++r) {
      std::copy_n(source_ + r * cols, cols, rounded_rows_ + r * cols);
      round_fp8_row(rounded_rows_ + r * cols, cols, kRoundedBlock);
    }
    rows = rounded_rows_;
  }
  prepare_product_input(input_, rows, cols, begin, end);
}

}  // namespace hadal
