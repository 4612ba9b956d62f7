// The release's formats: FP4 experts with a shared one in FP8 blocks.
#include "kernels/experts/expert_instances.h"
#include "kernels/experts/expert_kernel_of.cuh"

namespace hadal::cuda {

ExpertKernel e2m1_with_e4m3_block_experts() {
  return expert_kernel_of<E2m1Rows, E4m3Rows<E4m3Scale::block>>();
}

}  // namespace hadal::cuda
