#include "convert/channel_sums.h"

#include <algorithm>
#include <cmath>

#include "kernels/backend.h"

namespace hadal {
namespace {

using enum TensorId;

std::string layer_name(BlockIndex block, const char* leaf) {
  return "layers." + std::to_string(block.number) + "." + leaf;
}

}  // namespace

ChannelSums::ChannelSums(const std::vector<SourceTensor>& tensors) {
  const MomentBlocks blocks = moment_blocks(tensors);
  for (const SourceTensor& tensor : tensors) {
    if (tensor.block.scope == TensorScope::mtp ||
        rule(tensor.id).storage != TensorStorage::matrix)
      continue;
    const bool many = rule(tensor.id).count == TensorCount::per_group;
    const bool own = many || tensor.id == expert_w2;
    const int64_t block =
        tensor.id == expert_w2 ? blocks.experts_w2 : blocks.others;
    if (block > 0 && tensor.id != embed &&
        moments_holder(tensor.id) == tensor.id)
      for (size_t i = 0; i < (own ? tensor.items.size() : 1); ++i)
        blocks_.emplace(
            release_name(
                tensor.id, tensor.block, own ? static_cast<int64_t>(i) : -1),
            block);
    for (size_t i = 0; i < tensor.items.size(); ++i)
      names_.emplace(
          tensor.items[i].data,
          release_name(
              tensor.id, tensor.block, many ? static_cast<int64_t>(i) : -1));
    if (tensor.id != expert_w1)
      continue;
    Layer& layer = layers_[tensor.items.front().data];
    layer.tokens = release_name(expert_w1, tensor.block);
    layer.tokens_up = release_name(expert_w3, tensor.block);
    layer.use = layer_name(tensor.block, "ffn.experts.use");
    layer.shared_gate = release_name(shared_w1, tensor.block);
    layer.shared_up = release_name(shared_w3, tensor.block);
    layer.shared_down = release_name(shared_w2, tensor.block);
    layer.uses.assign(tensor.items.size(), 0);
    for (size_t i = 0; i < tensor.items.size(); ++i)
      layer.inner.push_back(
          release_name(expert_w2, tensor.block, static_cast<int64_t>(i)));
  }
}

void ChannelSums::add(
    const std::string& name,
    const float* x,
    int64_t stride,
    int64_t rows,
    int64_t cols,
    ThreadTeam& team) {
  if (const auto block = blocks_.find(name); block != blocks_.end())
    moments_.try_emplace(name, cols, block->second)
        .first->second.add(x, stride, rows, team);
  Sum& sum = sums_[name];
  sum.squares.resize(static_cast<size_t>(cols));
  sum.vectors += rows;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < cols; ++i) {
      const auto value = static_cast<double>(x[row * stride + i]);
      sum.squares[static_cast<size_t>(i)] += value * value;
    }
}

void ChannelSums::add_product(const LinearParams& params, ThreadTeam& team) {
  const auto found = names_.find(params.weight.data);
  if (found != names_.end())
    add(found->second,
        params.x,
        params.x_stride,
        params.tokens,
        params.weight.cols,
        team);
}

std::vector<float> ChannelSums::inner_values(
    const ExpertsParams& params,
    const WeightView& gate,
    const WeightView& up,
    const std::vector<float>& x,
    const std::vector<float>& weights,
    ThreadTeam& team) const {
  const auto rows = static_cast<int64_t>(weights.size());
  const int64_t inner = gate.rows;
  std::vector<float> gates(static_cast<size_t>(rows * inner));
  std::vector<float> ups(gates.size());
  const auto product = [&](const WeightView& weight, std::vector<float>& y) {
    cpu_backend().linear(
        {.x = x.data(),
         .x_stride = params.hidden,
         .y = y.data(),
         .y_stride = inner,
         .tokens = rows,
         .weight = weight},
        team);
  };
  product(gate, gates);
  product(up, ups);
  for (size_t i = 0; i < gates.size(); ++i) {
    float g = gates[i];
    float u = ups[i];
    if (params.limit > 0) {
      g = std::min(g, params.limit);
      u = std::clamp(u, -params.limit, params.limit);
    }
    gates[i] =
        weights[i / static_cast<size_t>(inner)] * u * g / (1 + std::exp(-g));
  }
  return gates;
}

void ChannelSums::add_experts(const ExpertsParams& params, ThreadTeam& team) {
  const auto found = layers_.find(params.experts.gate[0].data);
  if (found == layers_.end())
    return;
  Layer& layer = found->second;
  for (const std::string* name : {&layer.tokens, &layer.tokens_up})
    add(*name, params.x, params.hidden, params.tokens, params.hidden, team);
  layer.seen += params.tokens;
  for (int64_t expert = 0; expert < params.experts.experts; ++expert) {
    std::vector<float> x;
    std::vector<float> weights;
    for (int64_t i = 0; i < params.tokens * params.per_token; ++i) {
      if (params.indices[i] != expert)
        continue;
      const float* row = params.x + i / params.per_token * params.hidden;
      x.insert(x.end(), row, row + params.hidden);
      weights.push_back(params.weights[i]);
    }
    if (weights.empty())
      continue;
    const auto at = static_cast<size_t>(expert);
    layer.uses[at] += static_cast<int64_t>(weights.size());
    const std::vector<float> inner = inner_values(
        params,
        params.experts.gate[expert],
        params.experts.up[expert],
        x,
        weights,
        team);
    const int64_t width = params.experts.gate[expert].rows;
    add(layer.inner[at],
        inner.data(),
        width,
        static_cast<int64_t>(weights.size()),
        width,
        team);
  }
  add_shared(params, layer, team);
}

void ChannelSums::add_shared(
    const ExpertsParams& params, const Layer& layer, ThreadTeam& team) {
  if (params.shared_gate.empty())
    return;
  for (const std::string* name : {&layer.shared_gate, &layer.shared_up})
    add(*name, params.x, params.hidden, params.tokens, params.hidden, team);
  const std::vector<float> x(
      params.x, params.x + params.tokens * params.hidden);
  const std::vector<float> ones(static_cast<size_t>(params.tokens), 1);
  const std::vector<float> inner =
      inner_values(params, params.shared_gate, params.shared_up, x, ones, team);
  const int64_t width = params.shared_gate.rows;
  add(layer.shared_down, inner.data(), width, params.tokens, width, team);
}

Importance ChannelSums::importance() const {
  Importance out;
  for (const auto& [name, sum] : sums_) {
    std::vector<float> means;
    for (const double square : sum.squares)
      means.push_back(
          static_cast<float>(square / static_cast<double>(sum.vectors)));
    out.set(name, std::move(means));
  }
  for (const auto& [name, sum] : moments_)
    out.set_moments(name, sum.moments());
  for (const auto& [unused, layer] : layers_) {
    std::vector<float> uses;
    std::vector<float> mean;
    float reached = 0;
    for (size_t expert = 0; expert < layer.uses.size(); ++expert) {
      uses.push_back(
          static_cast<float>(layer.uses[expert]) /
          static_cast<float>(std::max<int64_t>(1, layer.seen)));
      const auto sum = sums_.find(layer.inner[expert]);
      if (sum == sums_.end())
        continue;
      ++reached;
      mean.resize(sum->second.squares.size());
      for (size_t i = 0; i < mean.size(); ++i)
        mean[i] += static_cast<float>(
            sum->second.squares[i] / static_cast<double>(sum->second.vectors));
    }
    out.set(layer.use, std::move(uses));
    for (float& value : mean)
      value /= reached;
    for (const std::string& name : layer.inner)
      if (!mean.empty() && !sums_.contains(name))
        out.set(name, mean);
  }
  return out;
}

}  // namespace hadal
