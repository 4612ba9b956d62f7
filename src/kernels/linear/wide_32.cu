// Wide products with tiles of 32 tokens.
#include "kernels/linear/wide_kernel.cuh"

namespace hadal::cuda {

WideForm wide_form_32(WideKind kind) {
  using enum WideKind;
  switch (kind) {
    case bf16:
      return wide_form<32, bf16>();
    case e4m3_block:
      return wide_form<32, e4m3_block>();
    case e4m3_group:
      return wide_form<32, e4m3_group>();
    case e4m3_apart:
      return wide_form<32, e4m3_apart>();
    case e2m1:
      return wide_form<32, e2m1>();
    case affine4:
      return wide_form<32, affine4>();
    case affine8:
      return wide_form<32, affine8>();
  }
  return {};
}

}  // namespace hadal::cuda
