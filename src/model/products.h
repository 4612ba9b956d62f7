// Matrix products and norms of the forward pass, with the numerics applied.
#pragma once

#include <cstdint>
#include <vector>

#include "model/pass.h"

namespace hadal {

// y [rows, weight.rows] = x [rows, weight.cols] * W^T with the activations that
// the numerics give to quantised products (spec 2.1, "Lin").
void product(
    const Pass& pass,
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride,
    int64_t rows);

// The same without gemm_fp8, for the one input that the official code leaves
// alone (wo_a, spec 3.6).
void unrounded_product(
    const Pass& pass,
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride,
    int64_t rows);

// A float32 product in every precision: gate, compressor, head.
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
    const std::vector<float>& weight,
    float* y,
    int64_t rows,
    int64_t dim);

}  // namespace hadal
