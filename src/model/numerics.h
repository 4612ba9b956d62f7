// Which roundings the forward pass applies (spec 8.4, design.md 3).
#pragma once

#include "kernels/linear/linear_params.h"
#include "kernels/weight_view.h"

namespace hadal {

struct Numerics {
  bool exact = false;     // float32 activations in every product
  bool kv_fp8 = true;     // window and compressed rows go through E4M3
  bool index_fp4 = true;  // indexer queries and rows: Hadamard, then E2M1
  bool gemm_fp8 = false;  // inputs of FP8 and FP4 products go through E4M3
  // Unless exact: bfloat16 activations for every quantised weight, which is
  // what the matrix instructions of GPUs multiply. CPUs are faster with
  // integers.
  bool bf16_activations = false;
};

// The activations of a product that the official code quantises. Gate,
// compressor, hyper-connections and head do not ask: they are float32 products.
ActivationFormat activation_for(const WeightView& weight, const Numerics& how);

// Does gemm_fp8 round the input of a product with this weight?
bool takes_fp8_input(const WeightView& weight);

}  // namespace hadal
