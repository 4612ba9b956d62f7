// One block a token; its experts' scores lie in shared memory.
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"

namespace hadal {
namespace {

constexpr int kThreads = 128;

__global__ void router_kernel(RouterParams params) {
  extern __shared__ float score[];  // [experts]
  const int64_t token = blockIdx.x;
  for (int64_t e = threadIdx.x; e < params.experts; e += kThreads) {
    const float u = params.logits[token * params.experts + e];
    score[e] = sqrtf(u > 20 ? u : log1pf(expf(u)));
  }
  __syncthreads();
  if (threadIdx.x != 0)
    return;

  int32_t* const chosen = params.indices + token * params.per_token;
  float* const weights = params.weights + token * params.per_token;
  for (int64_t k = 0; k < params.per_token; ++k) {
    int32_t next = -1;
    if (params.tid2eid != nullptr) {
      const int64_t entry = params.token_ids[token] * params.per_token + k;
      next = params.tid2eid_is_64_bit
                 ? static_cast<int32_t>(
                       static_cast<const int64_t*>(params.tid2eid)[entry])
                 : static_cast<const int32_t*>(params.tid2eid)[entry];
    } else {
      float best = 0;
      for (int32_t e = 0; e < params.experts; ++e) {
        bool taken = false;
        for (int64_t i = 0; i < k; ++i)
          taken |= chosen[i] == e;
        const float value = score[e] + params.bias[e];
        if (!taken && (next < 0 || value > best)) {
          next = e;
          best = value;
        }
      }
    }
    chosen[k] = next;
  }
  for (int64_t k = 1; k < params.per_token; ++k)
    for (int64_t i = k; i > 0 && chosen[i - 1] > chosen[i]; --i) {
      const int32_t other = chosen[i];
      chosen[i] = chosen[i - 1];
      chosen[i - 1] = other;
    }
  float sum = 0;
  for (int64_t k = 0; k < params.per_token; ++k)
    sum += score[chosen[k]];
  for (int64_t k = 0; k < params.per_token; ++k)
    weights[k] = score[chosen[k]] / sum * params.scale;
}

}  // namespace

void router_cuda(const RouterParams& params) {
  if (params.tokens == 0)
    return;
  router_kernel<<<
      static_cast<unsigned>(params.tokens),
      kThreads,
      static_cast<size_t>(params.experts) * sizeof(float),
      cuda::stream()>>>(params);
  cuda::check(cudaGetLastError(), "the router");
}

}  // namespace hadal
