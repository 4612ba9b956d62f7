// The mixture of experts on a GPU: which kernels run, and the memory between
// them.
//
// One token is three launches: its x as bfloat16, gate with up, down with the
// sum over its experts. Several tokens are four: the first one also gathers
// pairs by expert, and the sum comes last. Where routed and shared experts have
// formats that no kernel takes together, each goes by itself, one after the
// other; activations that are rounded to codes take a pass more before each
// product.
#include <algorithm>

#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/prepare.cuh"
#include "kernels/experts/expert_inputs.h"
#include "kernels/experts/expert_products.h"
#include "kernels/experts/experts_plain_cuda.h"
#include "kernels/experts/experts_wide_cuda.h"

namespace hadal {
namespace {

using cuda::DeviceBuffer;
using cuda::ExpertGroupJob;
using cuda::ExpertGroups;
using cuda::ExpertLaunch;
using cuda::ExpertNumbers;
using cuda::ExpertSide;
using cuda::ExpertStage;

// Tokens of one round; more go in several. The products of many tokens want as
// many for each expert as memory allows.
constexpr int64_t kMostTokens = 1024;
constexpr int64_t kMostWideTokens = 4096;

bool takes_fp8_input(const WeightView& weight) {
  return weight.format == WeightFormat::fp8_block ||
         weight.format == WeightFormat::mxfp8 ||
         weight.format == WeightFormat::mxfp4;
}

// The memory of the routed experts, or of the shared one.
struct SideMemory {
  DeviceBuffer rounded;
  DeviceBuffer input;
  DeviceBuffer input_sums;
  DeviceBuffer plain;
  DeviceBuffer inner;
  DeviceBuffer inner_sums;
};

struct Memory {
  SideMemory routed;
  SideMemory shared;
  DeviceBuffer entries;
  DeviceBuffer count;
  DeviceBuffer order;
  DeviceBuffer scratch;
};

// What both products need to know of the routed experts or the shared one.
struct Side {
  bool exists = false;
  bool routed = false;
  const WeightView* gate_stack = nullptr;
  const WeightView* up_stack = nullptr;
  const WeightView* down_stack = nullptr;
  WeightView gate;
  WeightView up;
  WeightView down;
  ActivationFormat activation = ActivationFormat::f32;
  int64_t rows = 0;  // of inner values: pairs, or tokens
  SideMemory* memory = nullptr;
};

// Does x change on its way into a product with this weight, other than to
// bfloat16?
bool is_coded(
    const ExpertsParams& params, const Side& side, const WeightView& weight) {
  return is_integer(side.activation) ||
         (params.gemm_fp8 && takes_fp8_input(weight));
}

ExpertNumbers lay_out(
    const Side& side,
    const WeightView& weight,
    int64_t rows,
    DeviceBuffer& memory,
    DeviceBuffer& sums) {
  const int parts = side.activation == ActivationFormat::bf16 ? 1 : 3;
  ExpertNumbers result{
      .numbers = memory.reserve_array<uint16_t>(parts * rows * weight.cols),
      .rows = rows,
      .cols = weight.cols,
      .order = cuda::input_order(weight.format),
      .parts = parts};
  if (weight.format == WeightFormat::affine)
    result.sums = sums.reserve_array<float>(rows * weight.cols / 8);
  return result;
}

// x as the product with `weight` takes it, still in float32.
const float* coded(
    const ExpertsParams& params,
    const Side& side,
    const WeightView& weight,
    const float* x,
    int64_t rows) {
  if (!is_coded(params, side, weight))
    return x;
  auto* const out =
      side.memory->rounded.reserve_array<float>(rows * weight.cols);
  cuda::prepare_activations(
      x,
      weight.cols,
      rows,
      weight.cols,
      side.activation,
      params.gemm_fp8 && takes_fp8_input(weight),
      out);
  return out;
}

// Columns of a group: the most that leave room for two blocks of a
// multiprocessor; one token has one.
int columns_of(int64_t tokens, int parts) {
  if (tokens == 1)
    return 1;
  return parts == 1 ? 4 : 2;
}

ExpertSide first_product(const Side& side, const ExpertNumbers& input) {
  return {
      .exists = side.exists,
      .stack = side.gate_stack,
      .second = side.up_stack,
      .one = side.gate,
      .one_second = side.up,
      .input = input};
}

ExpertSide second_product(const Side& side, const ExpertNumbers& input) {
  return {
      .exists = side.exists,
      .stack = side.down_stack,
      .second = nullptr,
      .one = side.down,
      .one_second = {},
      .input = input};
}

// Both sides in the same launches, or one: then the other does not exist.
// `adds`: to what y holds.
void run(const ExpertsParams& params, Side routed, Side shared, bool adds) {
  static Memory memory;
  const int64_t tokens = params.tokens;
  const int64_t pairs = tokens * params.per_token;
  routed.memory = &memory.routed;
  shared.memory = &memory.shared;
  routed.rows = pairs;
  shared.rows = tokens;

  ExpertLaunch launch;
  launch.tokens = static_cast<int32_t>(tokens);
  launch.per_token = static_cast<int32_t>(params.per_token);
  launch.indices = params.indices;
  launch.weights = params.weights;
  launch.limit = params.limit;
  cuda::ExpertInputJob inputs[2];
  Side* const sides[2] = {&routed, &shared};
  int parts = 1;
  for (int i = 0; i < 2; ++i) {
    const Side& side = *sides[i];
    if (!side.exists)
      continue;
    inputs[i] = {
        coded(params, side, side.gate, params.x, tokens),
        lay_out(
            side,
            side.gate,
            tokens,
            side.memory->input,
            side.memory->input_sums)};
    parts = std::max(parts, inputs[i].to.parts);
  }
  launch.columns = columns_of(tokens, parts);

  ExpertGroupJob groups;
  if (routed.exists) {
    const int64_t most = std::min(pairs, params.experts.experts);
    launch.most_entries = static_cast<int32_t>(most);
    if (tokens > 1) {
      groups = {
          .indices = params.indices,
          .pairs = static_cast<int32_t>(pairs),
          .per_token = static_cast<int32_t>(params.per_token),
          .experts = static_cast<int32_t>(params.experts.experts),
          .columns = launch.columns,
          .to = {
              .entries = memory.entries.reserve_array<cuda::ExpertEntry>(most),
              .count = memory.count.reserve_array<int32_t>(1),
              .order = memory.order.reserve_array<int32_t>(pairs)}};
      launch.groups = groups.to;
    }
  }
  cuda::prepare_experts(inputs[0], inputs[1], groups);

  ExpertNumbers* const outputs[2] = {
      &launch.routed_output, &launch.shared_output};
  float** const plain[2] = {&launch.routed_plain, &launch.shared_plain};
  for (int i = 0; i < 2; ++i) {
    const Side& side = *sides[i];
    if (!side.exists)
      continue;
    *outputs[i] = lay_out(
        side,
        side.down,
        side.rows,
        side.memory->inner,
        side.memory->inner_sums);
    if (is_coded(params, side, side.down))
      *plain[i] =
          side.memory->plain.reserve_array<float>(side.rows * side.down.cols);
  }
  launch.routed = first_product(routed, inputs[0].to);
  launch.shared = first_product(shared, inputs[1].to);
  cuda::start_expert_products(launch);

  cuda::ExpertInputJob inner[2];
  for (int i = 0; i < 2; ++i)
    if (*plain[i] != nullptr)
      inner[i] = {
          coded(params, *sides[i], sides[i]->down, *plain[i], sides[i]->rows),
          *outputs[i]};
  if (inner[0].x != nullptr || inner[1].x != nullptr)
    cuda::prepare_experts(inner[0], inner[1], {});

  launch.routed = second_product(routed, launch.routed_output);
  launch.shared = second_product(shared, launch.shared_output);
  launch.y = params.y;
  launch.adds = adds;
  launch.stage = tokens == 1 ? ExpertStage::down_one : ExpertStage::down;
  if (tokens > 1)
    launch.scratch =
        memory.scratch.reserve_array<float>((pairs + tokens) * params.hidden);
  cuda::start_expert_products(launch);
  if (tokens > 1)
    cuda::sum_experts(
        {.indices = params.indices,
         .tokens = launch.tokens,
         .per_token = routed.exists ? launch.per_token : 0,
         .first_shared = pairs,
         .shared = shared.exists,
         .adds = adds,
         .hidden = params.hidden,
         .scratch = launch.scratch,
         .y = params.y});
}

Side routed_side(const ExpertsCudaParams& all) {
  return {
      .exists = true,
      .routed = true,
      .gate_stack = all.params.experts.gate,
      .up_stack = all.params.experts.up,
      .down_stack = all.params.experts.down,
      .gate = all.gate,
      .up = all.up,
      .down = all.down,
      .activation = all.params.expert_activation};
}

Side shared_side(const ExpertsParams& params) {
  return {
      .exists = true,
      .gate = params.shared_gate,
      .up = params.shared_up,
      .down = params.shared_down,
      .activation = params.shared_activation};
}

bool takes_products(const Side& side) {
  return cuda::takes_expert_product(side.gate) &&
         cuda::takes_expert_product(side.up) &&
         cuda::takes_expert_product(side.down);
}

// Only where fewer tokens have the same order of sums.
bool goes_wide(const ExpertsCudaParams& all) {
  const ExpertsParams& params = all.params;
  return params.tokens >= cuda::kWideExpertTokens && !params.gemm_fp8 &&
         takes_products(routed_side(all)) &&
         (params.shared_gate.empty() || takes_products(shared_side(params))) &&
         cuda::takes_wide_experts(all);
}

// One round.
void run_experts(const ExpertsCudaParams& all) {
  const ExpertsParams& params = all.params;
  const Side routed = routed_side(all);
  if (goes_wide(all))
    return cuda::wide_experts(all);
  if (params.shared_gate.empty()) {
    if (takes_products(routed))
      run(params, routed, {}, false);
    else
      cuda::plain_routed_experts(params, all.gate, all.down);
    return;
  }
  const Side shared = shared_side(params);
  const bool both = takes_products(routed) && takes_products(shared) &&
                    cuda::expert_kernel(routed.gate, shared.gate).ring &&
                    cuda::expert_kernel(routed.down, shared.down).ring;
  if (both)
    return run(params, routed, shared, false);
  if (takes_products(routed))
    run(params, routed, {}, false);
  else
    cuda::plain_routed_experts(params, all.gate, all.down);
  if (takes_products(shared))
    run(params, {}, shared, true);
  else
    cuda::plain_shared_expert(params);
}

}  // namespace

void experts_cuda(const ExpertsCudaParams& all) {
  const int64_t most = goes_wide(all) ? kMostWideTokens : kMostTokens;
  for (int64_t first = 0; first < all.params.tokens; first += most) {
    ExpertsCudaParams some = all;
    ExpertsParams& params = some.params;
    params.tokens = std::min(most, all.params.tokens - first);
    params.x += first * params.hidden;
    params.y += first * params.hidden;
    params.indices += first * params.per_token;
    params.weights += first * params.per_token;
    run_experts(some);
  }
}

}  // namespace hadal
