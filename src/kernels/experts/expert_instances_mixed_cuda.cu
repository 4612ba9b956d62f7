// Routed and shared experts of two formats, as the recipes make them.
#include "kernels/experts/expert_instances.h"
#include "kernels/experts/expert_kernel_of.cuh"

namespace hadal::cuda {

ExpertKernel e2m1_with_affine4_experts() {
  return expert_kernel_of<E2m1Rows, AffineRows<4>>();
}
ExpertKernel e2m1_with_affine8_experts() {
  return expert_kernel_of<E2m1Rows, AffineRows<8>>();
}
ExpertKernel affine2_with_affine4_experts() {
  return expert_kernel_of<AffineRows<2>, AffineRows<4>>();
}

}  // namespace hadal::cuda
