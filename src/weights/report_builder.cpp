#include "weights/report_builder.h"

#include <fmt/format.h>

#include <utility>

namespace hadal {

std::string_view name(CheckpointLayout layout) {
  switch (layout) {
    case CheckpointLayout::release:
      return "release";
    case CheckpointLayout::transformers:
      return "transformers";
    case CheckpointLayout::mlx:
      return "mlx";
  }
  return "unknown";
}

ReportBuilder::ReportBuilder(
    const ModelConfig& config, const CheckpointFiles& files)
    : config_(config) {
  report_.directory = files.directory();
  report_.shards = static_cast<int64_t>(files.shards().size());
  report_.tensors = report_.trunk_tensors = files.tensor_count();
  report_.tensor_bytes = report_.trunk_bytes = files.tensor_bytes();
  std::array<DtypeCount, kDtypeCount> dtypes{};
  for (const SafetensorsFile& shard : files.shards())
    for (const StoredTensor& tensor : shard.tensors()) {
      DtypeCount& count = dtypes[static_cast<size_t>(tensor.dtype)];
      count.dtype = tensor.dtype;
      ++count.tensors;
      count.bytes += tensor.bytes;
    }
  for (const DtypeCount& count : dtypes)
    if (count.tensors > 0)
      report_.dtypes.push_back(count);
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    report_.layers.push_back(
        {.number = i,
         .kind = layer_kind(config, {TensorScope::layer, i}),
         .hash_routed = config.hash_routed(i)});
}

void ReportBuilder::count_mtp_tensor(const StoredTensor& tensor) {
  --report_.trunk_tensors;
  ++report_.mtp_tensors;
  report_.trunk_bytes -= tensor.bytes;
  report_.mtp_bytes += tensor.bytes;
}

void ReportBuilder::count_logical(
    TensorId id,
    BlockIndex block,
    const WeightView& view,
    int64_t matrices,
    const StoredParts& parts) {
  const bool ids = view.empty();
  int64_t tensors = 0;
  uint64_t bytes = 0;
  for (const StoredTensor* part : {parts.weight, parts.scales, parts.biases})
    if (part != nullptr) {
      ++tensors;
      bytes += part->bytes;
    }
  const int64_t parameters = ids ? 0 : matrices * view.rows * view.cols;

  const bool mtp = block.scope == TensorScope::mtp;
  GroupSum& sum = (mtp ? mtp_ : trunk_)[static_cast<size_t>(rule(id).group)];
  sum.tensors += tensors;
  sum.parameters += parameters;
  sum.bytes += bytes;
  const FormatKey key{
      ids,
      view.format,
      view.scale_format,
      ids ? bits(parts.weight->dtype) : view.bits,
      view.group};
  FormatSum* format = nullptr;
  for (FormatSum& known : sum.formats)
    if (known.key == key)
      format = &known;
  if (format == nullptr)
    format = &sum.formats.emplace_back(FormatSum{key});
  format->matrices += matrices;
  format->bytes += bytes;

  if (block.scope == TensorScope::model)
    return;
  std::vector<LayerReport>& layers = mtp ? report_.mtp : report_.layers;
  while (layers.size() <= static_cast<size_t>(block.number))
    layers.push_back({.number = static_cast<int64_t>(layers.size())});
  LayerReport& layer = layers[static_cast<size_t>(block.number)];
  layer.tensors += tensors;
  layer.parameters += parameters;
  layer.bytes += bytes;
}

std::string ReportBuilder::format_text(const FormatKey& key) {
  if (key.ids)
    return fmt::format("i{}", key.bits);
  switch (key.format) {
    case WeightFormat::f32:
      return "f32";
    case WeightFormat::bf16:
      return "bf16";
    case WeightFormat::f16:
      return "f16";
    case WeightFormat::fp8_block:
      return fmt::format(
          "fp8 128x128 ({} scales)",
          key.scale == ScaleFormat::f32 ? "f32" : "e8m0");
    case WeightFormat::mxfp4:
      return "mxfp4";
    case WeightFormat::mxfp8:
      return "mxfp8";
    case WeightFormat::affine:
      return fmt::format("affine {} bit g{}", key.bits, key.group);
  }
  return "unknown";
}

// A token reads one row of the embedding and of the hash tables, and its own
// experts; everything else whole.
uint64_t ReportBuilder::read_per_token(
    TensorGroup group, uint64_t bytes) const {
  switch (group) {
    case TensorGroup::embedding:
    case TensorGroup::hash_table:
      return bytes / static_cast<uint64_t>(config_.vocab_size);
    case TensorGroup::routed_experts:
      return bytes / static_cast<uint64_t>(config_.n_routed_experts) *
             static_cast<uint64_t>(config_.num_experts_per_tok);
    default:
      return bytes;
  }
}

CheckpointReport ReportBuilder::finish(
    CheckpointLayout layout, uint64_t copied_bytes) {
  report_.layout = layout;
  report_.copied_bytes = copied_bytes;
  for (int i = 0; i < kTensorGroupCount; ++i) {
    const auto group = static_cast<TensorGroup>(i);
    const GroupSum& sum = trunk_[static_cast<size_t>(i)];
    const GroupSum& mtp = mtp_[static_cast<size_t>(i)];
    report_.trunk_parameters += sum.parameters;
    report_.mtp_parameters += mtp.parameters;
    report_.active_parameters += static_cast<int64_t>(
        read_per_token(group, static_cast<uint64_t>(sum.parameters)));
    report_.mtp_step_bytes += read_per_token(group, mtp.bytes);
    if (sum.tensors == 0)
      continue;
    GroupReport out{
        .group = group,
        .tensors = sum.tensors,
        .parameters = sum.parameters,
        .bytes = sum.bytes,
        .bytes_per_token = read_per_token(group, sum.bytes)};
    for (const FormatSum& format : sum.formats)
      out.formats.push_back(
          {format_text(format.key), format.matrices, format.bytes});
    report_.bytes_per_token += out.bytes_per_token;
    report_.groups.push_back(std::move(out));
  }
  // A draft begins with an embedding row and ends with the trunk's head.
  if (!report_.mtp.empty()) {
    const GroupSum& head = trunk_[static_cast<size_t>(TensorGroup::head)];
    const GroupSum& embedding =
        trunk_[static_cast<size_t>(TensorGroup::embedding)];
    report_.mtp_step_bytes +=
        head.bytes + read_per_token(TensorGroup::embedding, embedding.bytes);
  }
  return std::move(report_);
}

void ReportBuilder::note(std::string sentence) {
  report_.notes.push_back(std::move(sentence));
}

}  // namespace hadal
