// Products of many tokens (prompts) on the matrix instructions of a warpgroup
// (wgmma, capability 9.0): the order of the sums of matrix_product.h, so the
// same bits as one token alone.
//
// BF16 weights, FP8 blocks, mxfp8, mxfp4 and affine weights of 4 and 8 bits;
// activations rounded to bfloat16 (one part). Everything else stays with
// matrix_product.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/linear/linear_params.h"

namespace hadal::cuda {

// Whether wide_products takes this product and is the faster one. False on
// devices without these instructions.
bool takes_wide_product(
    const WeightView& weight, int64_t tokens, ActivationFormat activation);

// y = x * W^T for each; all must be taken by takes_wide_product (tokens aside).
// Products of the same x share its preparation.
void wide_products(std::span<const LinearParams> products);

// Rows of x that are multiplied with the matrices of a stack: entries in the
// order of their groups (experts). Everything that is not known to the host
// stays on the device.
struct TokenGroups {
  int64_t groups = 0;
  // Entries of all groups together: an upper bound, known to the host.
  int64_t entries = 0;
  // Device, [groups + 1], increasing: group g has the entries first[g] ..
  // first[g + 1] - 1.
  const int32_t* first = nullptr;
  // Device, [entries]: entry e multiplies row rows[e] of x. Null: row e.
  const int32_t* rows = nullptr;
};

// y[e] = x[rows[e]] * W_g^T for every entry e of every group g.
struct GroupedProduct {
  const WeightView* weights = nullptr;  // device, [groups]
  // Host: what they have in common; its pointers are not read.
  WeightView like;
  float* y = nullptr;  // [entries, y_stride]
  int64_t y_stride = 0;
};

// Whether grouped_products takes such a stack on this device.
bool takes_grouped_product(const WeightView& like, ActivationFormat activation);

// All products have the same x [any, x_stride] and format; the activations are
// rounded to bfloat16. One launch for all of them after two small ones. The
// launches' shapes depend on groups.groups and groups.entries alone.
void grouped_products(
    const TokenGroups& groups,
    const float* x,
    int64_t x_stride,
    std::span<const GroupedProduct> products);

}  // namespace hadal::cuda
