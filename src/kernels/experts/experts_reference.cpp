// The meaning of the mixture of experts in plain scalar code. Tokens are
// gathered by expert only because widening an expert for each of them would
// take minutes in the golden tests.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/activation_rounding/activation_rounding.h"
#include "kernels/experts/experts.h"
#include "kernels/linear/linear.h"

namespace hadal {
namespace {

struct Member {
  int64_t token;
  float weight;
};

bool takes_fp8_input(const WeightView& weight) {
  return weight.format == WeightFormat::fp8_block ||
         weight.format == WeightFormat::mxfp8 ||
         weight.format == WeightFormat::mxfp4;
}

// [count, rows of the weight] = input [count, columns of the weight] * W^T.
std::vector<float> multiply(
    const ExpertsParams& params,
    const WeightView& weight,
    ActivationFormat activation,
    std::vector<float> input,
    ThreadTeam& team) {
  const int64_t count = static_cast<int64_t>(input.size()) / weight.cols;
  if (params.gemm_fp8 && takes_fp8_input(weight))
    fp8_round_trip_reference(
        {.x = input.data(),
         .stride = weight.cols,
         .rows = count,
         .cols = weight.cols,
         .block = 128},
        team);
  std::vector<float> output(static_cast<size_t>(count * weight.rows));
  linear_reference(
      {.x = input.data(),
       .x_stride = weight.cols,
       .y = output.data(),
       .y_stride = weight.rows,
       .tokens = count,
       .weight = weight,
       .activation = activation},
      team);
  return output;
}

// y += this expert's share, for its tokens.
void add_expert(
    const ExpertsParams& params,
    const WeightView& gate,
    const WeightView& up,
    const WeightView& down,
    ActivationFormat activation,
    const std::vector<Member>& members,
    ThreadTeam& team) {
  std::vector<float> x;
  for (const Member& member : members) {
    const float* row = params.x + member.token * params.hidden;
    x.insert(x.end(), row, row + params.hidden);
  }
  const std::vector<float> g = multiply(params, gate, activation, x, team);
  const std::vector<float> u = multiply(params, up, activation, x, team);
  std::vector<float> a;
  for (size_t i = 0; i < g.size(); ++i) {
    float gi = g[i];
    float ui = u[i];
    if (params.limit > 0) {
      gi = gi > params.limit ? params.limit : gi;
      ui = ui > params.limit    ? params.limit
           : ui < -params.limit ? -params.limit
                                : ui;
    }
    const float silu = gi / (1 + std::exp(-gi));
    const Member& member = members[i / static_cast<size_t>(gate.rows)];
    a.push_back(silu * ui * member.weight);
  }
  const std::vector<float> out = multiply(params, down, activation, a, team);
  for (size_t i = 0; i < out.size(); ++i) {
    const Member& member = members[i / static_cast<size_t>(params.hidden)];
    params
        .y[member.token * params.hidden +
           static_cast<int64_t>(i) % params.hidden] += out[i];
  }
}

}  // namespace

void experts_reference(const ExpertsParams& params, ThreadTeam& team) {
  std::fill_n(params.y, params.tokens * params.hidden, 0.0F);
  for (int64_t e = 0; e < params.experts.experts; ++e) {
    // An id that occurs twice in a list makes two members.
    std::vector<Member> members;
    for (int64_t i = 0; i < params.tokens * params.per_token; ++i)
      if (params.indices[i] == e)
        members.push_back({i / params.per_token, params.weights[i]});
    if (!members.empty())
      add_expert(
          params,
          params.experts.gate[e],
          params.experts.up[e],
          params.experts.down[e],
          params.expert_activation,
          members,
          team);
  }
  std::vector<Member> everyone;
  for (int64_t t = 0; t < params.tokens; ++t)
    everyone.push_back({t, 1});
  if (!params.shared_gate.empty() && !everyone.empty())
    add_expert(
        params,
        params.shared_gate,
        params.shared_up,
        params.shared_down,
        params.shared_activation,
        everyone,
        team);
}

}  // namespace hadal
