// Wide products with tiles of 128 tokens.
#include "kernels/linear/wide_kernel.cuh"

namespace hadal::cuda {

WideForm wide_form_128(WideKind kind) {
  using enum WideKind;
  switch (kind) {
    case bf16:
      return wide_form<128, bf16>();
    case e4m3_block:
      return wide_form<128, e4m3_block>();
    case e4m3_group:
      return wide_form<128, e4m3_group>();
    case e2m1:
      return wide_form<128, e2m1>();
    default:
      break;
  }
  return {};
}

}  // namespace hadal::cuda
