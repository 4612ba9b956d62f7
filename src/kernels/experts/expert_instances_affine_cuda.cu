#include "kernels/experts/expert_instances.h"
#include "kernels/experts/expert_kernel_of.cuh"

namespace hadal::cuda {

ExpertKernel affine2_experts() {
  return expert_kernel_of<AffineRows<2>, AffineRows<2>>();
}
ExpertKernel affine4_experts() {
  return expert_kernel_of<AffineRows<4>, AffineRows<4>>();
}
ExpertKernel affine8_experts() {
  return expert_kernel_of<AffineRows<8>, AffineRows<8>>();
}
ExpertKernel affine_odd_experts() {
  return expert_kernel_of<AffineRows<0>, AffineRows<0>>();
}

}  // namespace hadal::cuda
