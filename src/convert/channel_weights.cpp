#include "convert/channel_weights.h"

#include <optional>

#include "kernels/codecs/dequantize.h"

namespace hadal {
namespace {

using enum TensorId;

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
  return id == norm || id == attn_norm || id == q_norm || id == ffn_norm ||
         id == mtp_enorm || id == mtp_hnorm;
}

}  // namespace

ChannelWeights::ChannelWeights(
    const std::vector<SourceTensor>& tensors, const Importance* importance)
    : importance_(importance) {
  for (const SourceTensor& tensor : tensors) {
    if (!is_norm_of_interest(tensor.id))
      continue;
    std::vector<float> gains(static_cast<size_t>(tensor.shape.cols));
    dequantize_row(tensor.items.front(), 0, gains.data());
    for (float& gain : gains)
      gain *= gain;
    squared_gains_.emplace(key(tensor.block, tensor.id), std::move(gains));
  }
}

const float* ChannelWeights::of(
    const SourceTensor& source, int64_t item) const {
  if (importance_ != nullptr)
    if (const float* measured = importance_->channels(source, item))
      return measured;
  const std::optional<TensorId> before = norm_before(source.id);
  if (!before)
    return nullptr;
  const auto found = squared_gains_.find(key(source.block, *before));
  return found == squared_gains_.end() ? nullptr : found->second.data();
}

}  // namespace hadal
