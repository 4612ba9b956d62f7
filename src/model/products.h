// Matrix products and norms of the forward pass, with the numerics applied.
#pragma once

#include <cstdint>
#include <vector>

#include "model/pass.h"

namespace hadal {

// Products of `rows` rows each that run as one operation, so that the threads
// meet once for all of them. No output is written before run().
class ProductList {
 public:
  ProductList(const Pass& pass, int64_t rows) : pass_(pass), rows_(rows) {}

  // y [rows, weight.rows] = x [rows, weight.cols] * W^T with the activations
  // that the numerics give to quantised products (spec 2.1, "Lin"). Where
  // gemm_fp8 rounds the input, all of these products must have the same one.
  void add(
      const float* x,
      int64_t x_stride,
      const WeightView& weight,
      float* y,
      int64_t y_stride);
  // The same without gemm_fp8, for the one input that the official code leaves
  // alone (wo_a, spec 3.6).
  void add_unrounded(
      const float* x,
      int64_t x_stride,
      const WeightView& weight,
      float* y,
      int64_t y_stride);
  // A float32 product in every precision: gate, compressor, head.
  void add_float32(
      const float* x,
      int64_t x_stride,
      const WeightView& weight,
      float* y,
      int64_t y_stride);

  void run();

 private:
  const Pass& pass_;
  int64_t rows_;
  const float* rounded_input_ = nullptr;  // what work.rounded is a copy of
  std::vector<LinearParams> products_;
};

// One product by itself: as ProductList::add.
void product(
    const Pass& pass,
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride,
    int64_t rows);

// As ProductList::add_float32.
void float32_product(
    const Pass& pass,
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride,
    int64_t rows);

// y [rows, dim] = RMSNorm(x, weight); x may equal y. An empty weight: none.
void norm_rows(
    const Pass& pass,
    const float* x,
    const KernelVector& weight,
    float* y,
    int64_t rows,
    int64_t dim);

}  // namespace hadal
