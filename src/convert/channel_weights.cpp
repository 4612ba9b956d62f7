#include "convert/channel_weights.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "kernels/codecs/decode_row.h"

namespace hadal {
namespace {

using enum TensorId;

// More than the matrices that one layer's products have in turn need.
constexpr size_t kRecentFactors = 8;

// The norm whose output a matrix reads (spec 2.3, 3.2, 3.7, 3.8, 5, 6).
std::optional<TensorId> norm_before(TensorId matrix) {
  switch (matrix) {
    case head:
      return norm;
    case wq_a:
    case wkv:
    case compressor_wkv:
    case compressor_wgate:
    case indexer_weights_proj:
    case indexer_compressor_wkv:
    case indexer_compressor_wgate:
      return attn_norm;
    case wq_b:
    case indexer_wq_b:
      return q_norm;
    case expert_w1:
    case expert_w3:
    case shared_w1:
    case shared_w3:
      return ffn_norm;
    case mtp_e_proj:
      return mtp_enorm;
    case mtp_h_proj:
      return mtp_hnorm;
    default:
      return std::nullopt;
  }
}

bool is_norm_of_interest(TensorId id) {
  return id == norm || id == attn_norm || id == q_norm || id == kv_norm ||
         id == ffn_norm || id == mtp_enorm || id == mtp_hnorm;
}

bool has_rows_of_interest(TensorId id) {
  return id == wo_a || id == expert_w1 || id == expert_w3 || id == shared_w1 ||
         id == shared_w3;
}

// out[row] = sum of weights[c] * w[row, c]^2; null weights count as one.
void squared_rows(
    const WeightView& view, const float* weights, std::vector<float>& out) {
  std::vector<float> values(static_cast<size_t>(view.cols));
  for (int64_t row = 0; row < view.rows; ++row) {
    decode_weight_row(view, row, values.data());
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      sum += value * value *
             (weights == nullptr ? 1.0 : static_cast<double>(weights[i]));
    }
    out.push_back(static_cast<float>(sum));
  }
}

}  // namespace

ChannelWeights::ChannelWeights(
    const std::vector<SourceTensor>& tensors, const Importance* importance)
    : importance_(importance) {
  for (const SourceTensor& tensor : tensors) {
    if (has_rows_of_interest(tensor.id))
      matrices_.emplace(key(tensor.block, tensor.id), tensor.items);
    if (!is_norm_of_interest(tensor.id))
      continue;
    std::vector<float> gains(static_cast<size_t>(tensor.shape.cols));
    decode_weight_row(tensor.items.front(), 0, gains.data());
    for (float& gain : gains)
      gain *= gain;
    squared_gains_.emplace(key(tensor.block, tensor.id), std::move(gains));
  }
}

const float* ChannelWeights::squared_gains(
    BlockIndex block, TensorId norm) const {
  const auto found = squared_gains_.find(key(block, norm));
  HADAL_CHECK(found != squared_gains_.end());
  return found->second.data();
}

void ChannelWeights::metric(
    const SourceTensor& source, int64_t item, ItemMetric& out) const {
  const InputMoments* moments =
      importance_ == nullptr ? nullptr : importance_->moments(source, item);
  if (moments != nullptr) {
    out.factors = factors(*moments);
    out.metric = out.factors->metric();
  } else {
    out.metric = {channels(source, item, out.channels)};
  }
}

std::shared_ptr<const ErrorFactors> ChannelWeights::factors(
    const InputMoments& moments) const {
  std::shared_ptr<Shared> entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(
        recent_, &moments, [](const auto& one) { return one->moments; });
    if (found != recent_.end()) {
      recent_.splice(recent_.begin(), recent_, found);
    } else {
      recent_.push_front(std::make_shared<Shared>());
      recent_.front()->moments = &moments;
      if (recent_.size() > kRecentFactors)
        recent_.pop_back();
    }
    entry = recent_.front();
  }
  std::call_once(entry->once, [&] {
    entry->factors = std::make_shared<const ErrorFactors>(moments);
  });
  return entry->factors;
}

const float* ChannelWeights::channels(
    const SourceTensor& source,
    int64_t item,
    std::vector<float>& scratch) const {
  if (importance_ != nullptr)
    if (const float* measured = importance_->channels(source, item))
      return measured;
  if (const std::optional<TensorId> before = norm_before(source.id))
    return squared_gains(source.block, *before);
  scratch.clear();
  switch (source.id) {
    case wo_a:
      attention_channels(source, scratch);
      break;
    case wo_b:
      output_channels(source, scratch);
      break;
    case expert_w2:
      inner_channels(source, item, expert_w1, expert_w3, scratch);
      break;
    case shared_w2:
      inner_channels(source, 0, shared_w1, shared_w3, scratch);
      break;
    default:
      return nullptr;
  }
  return scratch.data();
}

void ChannelWeights::attention_channels(
    const SourceTensor& source, std::vector<float>& out) const {
  const std::vector<float>& gains =
      squared_gains_.at(key(source.block, kv_norm));
  while (static_cast<int64_t>(out.size()) < source.shape.cols)
    out.insert(out.end(), gains.begin(), gains.end());
}

void ChannelWeights::output_channels(
    const SourceTensor& source, std::vector<float>& out) const {
  const std::vector<WeightView>& groups = matrices_.at(key(source.block, wo_a));
  std::vector<float> channels;
  for (const WeightView& group : groups) {
    channels.clear();
    attention_channels(
        {.id = wo_a, .block = source.block, .shape = {group.rows, group.cols}},
        channels);
    squared_rows(group, channels.data(), out);
  }
}

void ChannelWeights::inner_channels(
    const SourceTensor& source,
    int64_t item,
    TensorId gate,
    TensorId up,
    std::vector<float>& out) const {
  const float* gains = squared_gains(source.block, ffn_norm);
  const auto at = static_cast<size_t>(item);
  std::vector<float> ups;
  squared_rows(matrices_.at(key(source.block, gate))[at], gains, out);
  squared_rows(matrices_.at(key(source.block, up))[at], gains, ups);
  for (size_t i = 0; i < out.size(); ++i)
    out[i] *= ups[i];
}

}  // namespace hadal
