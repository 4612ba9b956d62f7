#include "kernels/experts/expert_instances.h"
#include "kernels/experts/expert_kernel_of.cuh"

namespace hadal::cuda {

ExpertKernel bf16_experts() {
  return expert_kernel_of<Bf16Rows, Bf16Rows>();
}
ExpertKernel e4m3_block_experts() {
  using Rows = E4m3Rows<E4m3Scale::block>;
  return expert_kernel_of<Rows, Rows>();
}
ExpertKernel e4m3_apart_experts() {
  using Rows = E4m3Rows<E4m3Scale::block_apart>;
  return expert_kernel_of<Rows, Rows>();
}
ExpertKernel e4m3_group_experts() {
  using Rows = E4m3Rows<E4m3Scale::group>;
  return expert_kernel_of<Rows, Rows>();
}
ExpertKernel e2m1_experts() {
  return expert_kernel_of<E2m1Rows, E2m1Rows>();
}

}  // namespace hadal::cuda
