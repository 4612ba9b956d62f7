#include "kernels/experts/experts_wide_cuda.h"

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"
#include "kernels/experts/expert_inputs.h"
#include "kernels/linear/wide_product.h"

namespace hadal::cuda {
namespace {

constexpr int kThreads = 256;

// g [entries, inner] becomes silu(g) * u * weight, with the clamps. `order`:
// the pair of an entry, whose weight is weights[pair]; null: weight 1.
__global__ void __launch_bounds__(kThreads) swiglu_kernel(
    float* g,
    const float* u,
    int64_t count,
    int64_t inner,
    float limit,
    const int32_t* order,
    const float* weights) {
  wait_for_predecessor();
  let_successor_start();
  for (int64_t i = blockIdx.x * int64_t{kThreads} + threadIdx.x; i < count;
       i += int64_t{gridDim.x} * kThreads) {
    float gate = g[i];
    float up = u[i];
    if (limit > 0) {
      gate = gate > limit ? limit : gate;
      up = up > limit ? limit : up < -limit ? -limit : up;
    }
    const float weight = order == nullptr ? 1 : weights[order[i / inner]];
    g[i] = gate / (1 + expf(-gate)) * up * weight;
  }
}

void activate(
    const ExpertsParams& params,
    float* g,
    const float* u,
    int64_t rows,
    int64_t inner,
    const int32_t* order) {
  launch(
      swiglu_kernel,
      {.grid = std::min(blocks(rows * inner, 4 * kThreads), 8192U),
       .block = kThreads,
       .start = Start::early},
      g,
      u,
      rows * inner,
      inner,
      params.limit,
      order,
      params.weights);
}

struct Memory {
  DeviceBuffer groups;
  DeviceBuffer gate;
  DeviceBuffer up;
  DeviceBuffer shared_gate;
  DeviceBuffer shared_up;
  DeviceBuffer down;
};

// The shared expert's outputs [tokens, hidden] into `down`.
void run_shared(const ExpertsParams& params, Memory& memory, float* down) {
  const int64_t inner = params.shared_gate.rows;
  auto* const g =
      memory.shared_gate.reserve_array<float>(params.tokens * inner);
  auto* const u = memory.shared_up.reserve_array<float>(params.tokens * inner);
  LinearParams both[2];
  both[0] = {
      .x = params.x,
      .x_stride = params.hidden,
      .y = g,
      .y_stride = inner,
      .tokens = params.tokens,
      .weight = params.shared_gate,
      .activation = params.shared_activation};
  both[1] = both[0];
  both[1].y = u;
  both[1].weight = params.shared_up;
  linear_many_cuda(both);
  activate(params, g, u, params.tokens, inner, nullptr);
  linear_cuda(
      {.x = g,
       .x_stride = inner,
       .y = down,
       .y_stride = params.hidden,
       .tokens = params.tokens,
       .weight = params.shared_down,
       .activation = params.shared_activation});
}

}  // namespace

bool takes_wide_experts(const ExpertsCudaParams& all) {
  const ActivationFormat format = all.params.expert_activation;
  return takes_grouped_product(all.gate, format) &&
         takes_grouped_product(all.up, format) &&
         takes_grouped_product(all.down, format);
}

void wide_experts(const ExpertsCudaParams& all) {
  static Memory memory;
  const ExpertsParams& params = all.params;
  const int64_t pairs = params.tokens * params.per_token;
  const int64_t experts = params.experts.experts;
  auto* const ids =
      memory.groups.reserve_array<int32_t>(experts + 1 + 3 * pairs);
  ExpertGroups groups;
  groups.first = ids;
  groups.order = ids + experts + 1;
  groups.tokens = groups.order + pairs;
  groups.places = groups.tokens + pairs;
  prepare_experts(
      {},
      {},
      {.indices = params.indices,
       .pairs = static_cast<int32_t>(pairs),
       .per_token = static_cast<int32_t>(params.per_token),
       .experts = static_cast<int32_t>(experts),
       .to = groups});

  auto* const g = memory.gate.reserve_array<float>(pairs * params.inner);
  auto* const u = memory.up.reserve_array<float>(pairs * params.inner);
  // Behind the routed experts' rows those of the shared one.
  auto* const down =
      memory.down.reserve_array<float>((pairs + params.tokens) * params.hidden);
  const TokenGroups of_tokens = {experts, pairs, groups.first, groups.tokens};
  const GroupedProduct first[2] = {
      {params.experts.gate, all.gate, g, params.inner},
      {params.experts.up, all.up, u, params.inner}};
  grouped_products(of_tokens, params.x, params.hidden, first);
  activate(params, g, u, pairs, params.inner, groups.order);
  const TokenGroups of_entries = {experts, pairs, groups.first, nullptr};
  const GroupedProduct second[1] = {
      {params.experts.down, all.down, down, params.hidden}};
  grouped_products(of_entries, g, params.inner, second);
  const bool shared = !params.shared_gate.empty();
  if (shared)
    run_shared(params, memory, down + pairs * params.hidden);
  sum_experts(
      {.indices = params.indices,
       .places = groups.places,
       .tokens = static_cast<int32_t>(params.tokens),
       .per_token = static_cast<int32_t>(params.per_token),
       .first_shared = pairs,
       .shared = shared,
       .hidden = params.hidden,
       .scratch = down,
       .y = params.y});
}

}  // namespace hadal::cuda
