// A warp a row of an expert's matrix, for each pair of a token and one of its
// experts.
#include "kernels/experts/experts_plain_cuda.h"

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/prepare.cuh"
#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/weights.cuh"

namespace hadal::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRows = kThreads / kWarp;  // of a block

// The routed experts, or the shared one: then `indices` is null.
struct Stage {
  const int32_t* indices;
  const float* weights;
  int64_t per_token;
  const WeightView* stack;  // of the routed experts
  WeightView shared;
  bool rounded;
};

__device__ WeightView view_of(const Stage& stage, int64_t pair) {
  return stage.indices == nullptr ? stage.shared
                                  : stage.stack[stage.indices[pair]];
}

__device__ float one_product(
    const WeightView& view, int64_t row, bool rounded, const float* x) {
  float sum;
  row_products<1>(view, row, rounded, x, 0, 1, &sum);
  return warp_sum(sum);
}

// a[pair, row] = weight * silu(gate . x) * (up . x), with the clamps.
__global__ void swiglu_kernel(
    Stage gate,
    Stage up,
    const float* x,
    int64_t inner,
    float limit,
    float* a) {
  const int64_t row = blockIdx.x * int64_t{kRows} + threadIdx.x / kWarp;
  const int64_t pair = blockIdx.y;
  if (row >= inner)
    return;
  const WeightView gate_view = view_of(gate, pair);
  const WeightView up_view = view_of(up, pair);
  const float* const input = x + pair / gate.per_token * gate_view.cols;
  float g = one_product(gate_view, row, gate.rounded, input);
  float u = one_product(up_view, row, up.rounded, input);
  if (limit > 0) {
    g = g > limit ? limit : g;
    u = u > limit ? limit : u < -limit ? -limit : u;
  }
  if (threadIdx.x % kWarp == 0) {
    const float weight = gate.indices == nullptr ? 1 : gate.weights[pair];
    a[pair * inner + row] = g / (1 + expf(-g)) * u * weight;
  }
}

// y[t, row] += down . a of the token's experts, in order of expert id.
__global__ void down_kernel(
    Stage down, const float* a, int64_t hidden, int64_t inner, float* y) {
  const int64_t row = blockIdx.x * int64_t{kRows} + threadIdx.x / kWarp;
  const int64_t token = blockIdx.y;
  if (row >= hidden)
    return;
  const int64_t first = token * down.per_token;
  float sum = down.indices == nullptr ? y[token * hidden + row] : 0;
  for (int64_t rank = 0; rank < down.per_token; ++rank) {
    int64_t chosen = first;
    if (down.indices != nullptr)
      for (int64_t i = 0; i < down.per_token; ++i) {
        int64_t smaller = 0;
        for (int64_t j = 0; j < down.per_token; ++j)
          smaller +=
              down.indices[first + j] < down.indices[first + i] ||
              (down.indices[first + j] == down.indices[first + i] && j < i);
        if (smaller == rank)
          chosen = first + i;
      }
    sum += one_product(
        view_of(down, chosen), row, down.rounded, a + chosen * inner);
  }
  if (threadIdx.x % kWarp == 0)
    y[token * hidden + row] = sum;
}

bool takes_fp8_input(const WeightView& weight) {
  return weight.format == WeightFormat::fp8_block ||
         weight.format == WeightFormat::mxfp8 ||
         weight.format == WeightFormat::mxfp4;
}

void run_stage(
    const ExpertsParams& params,
    const Stage& gate,
    const Stage& up,
    const Stage& down,
    const WeightView& gate_like,
    const WeightView& down_like,
    ActivationFormat activation) {
  const int64_t inner = gate_like.rows;
  const int64_t pairs = params.tokens * gate.per_token;
  static DeviceBuffer input_memory;
  static DeviceBuffer inner_memory;
  static DeviceBuffer prepared_memory;
  auto* const input =
      input_memory.reserve_array<float>(params.tokens * params.hidden);
  auto* const a = inner_memory.reserve_array<float>(pairs * inner);
  auto* const prepared = prepared_memory.reserve_array<float>(pairs * inner);
  prepare_activations(
      params.x,
      params.hidden,
      params.tokens,
      params.hidden,
      activation,
      params.gemm_fp8 && takes_fp8_input(gate_like),
      input);
  launch(
      swiglu_kernel,
      {.grid = dim3(blocks(inner, kRows), static_cast<unsigned>(pairs)),
       .block = kThreads},
      gate,
      up,
      input,
      inner,
      params.limit,
      a);
  prepare_activations(
      a,
      inner,
      pairs,
      inner,
      activation,
      params.gemm_fp8 && takes_fp8_input(down_like),
      prepared);
  launch(
      down_kernel,
      {.grid = dim3(
           blocks(params.hidden, kRows), static_cast<unsigned>(params.tokens)),
       .block = kThreads},
      down,
      prepared,
      params.hidden,
      inner,
      params.y);
}

}  // namespace

void plain_routed_experts(
    const ExpertsParams& params,
    const WeightView& gate,
    const WeightView& down) {
  const auto stage = [&](const WeightView* stack) {
    return Stage{
        params.indices,
        params.weights,
        params.per_token,
        stack,
        {},
        params.expert_activation == ActivationFormat::bf16};
  };
  run_stage(
      params,
      stage(params.experts.gate),
      stage(params.experts.up),
      stage(params.experts.down),
      gate,
      down,
      params.expert_activation);
}

void plain_shared_expert(const ExpertsParams& params) {
  const auto stage = [&](const WeightView& view) {
    return Stage{
        nullptr,
        nullptr,
        1,
        nullptr,
        view,
        params.shared_activation == ActivationFormat::bf16};
  };
  run_stage(
      params,
      stage(params.shared_gate),
      stage(params.shared_up),
      stage(params.shared_down),
      params.shared_gate,
      params.shared_down,
      params.shared_activation);
}

}  // namespace hadal::cuda
