#include "convert/importance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/hash.h"
#include "checkpoint/quote.h"
#include "checkpoint/safetensors_writer.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr const char* kFormat = "hadal-importance-1";

bool has_format(const SafetensorsFile& file) {
  return std::ranges::any_of(file.metadata(), [](const auto& entry) {
    return entry.first == "format" && entry.second == kFormat;
  });
}

// Under which name the file has an item of a matrix.
std::string channel_name(const SourceTensor& source, int64_t item) {
  const bool own = rule(source.id).count == TensorCount::per_group ||
                   source.id == TensorId::expert_w2;
  return release_name(source.id, source.block, own ? item : -1);
}

std::string use_name(BlockIndex block) {
  return (block.scope == TensorScope::mtp ? "mtp." : "layers.") +
         std::to_string(block.number) + ".ffn.experts.use";
}

}  // namespace

Importance::Importance(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  if (!has_format(file))
    throw Error(
        ErrorCode::corrupt,
        path.string() +
            ": no importance file; make one with hadal eval importance");
  for (const StoredTensor& tensor : file.tensors()) {
    if (tensor.dtype != Dtype::f32 || tensor.shape.rank() != 1)
      throw Error(
          ErrorCode::corrupt,
          fmt::format(
              "{}: {}: found {} {}, expected F32 with one extent",
              path.string(),
              in_quotes(tensor.name),
              name(tensor.dtype),
              tensor.shape.text()));
    std::vector<float> values(tensor.bytes / 4);
    std::memcpy(values.data(), tensor.data, tensor.bytes);
    for (size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]) || values[i] < 0)
        throw Error(
            ErrorCode::corrupt,
            fmt::format(
                "{}: {}: entry {} is {}, expected a number that is not "
                "negative",
                path.string(),
                in_quotes(tensor.name),
                i,
                values[i]));
    values_.emplace(tensor.name, std::move(values));
  }
}

const float* Importance::channels(
    const SourceTensor& source, int64_t item) const {
  auto found = values_.find(channel_name(source, item));
  return found == values_.end() ? nullptr : found->second.data();
}

float Importance::use(BlockIndex block, int64_t expert) const {
  const auto found = values_.find(use_name(block));
  if (found == values_.end() ||
      expert >= static_cast<int64_t>(found->second.size()))
    return 0;
  return found->second[static_cast<size_t>(expert)];
}

void Importance::require_fit(const std::vector<SourceTensor>& tensors) const {
  bool any = false;
  for (const SourceTensor& tensor : tensors)
    for (size_t item = 0; item < tensor.items.size(); ++item) {
      const std::string name = channel_name(tensor, static_cast<int64_t>(item));
      const auto found = values_.find(name);
      if (found == values_.end())
        continue;
      any = true;
      if (static_cast<int64_t>(found->second.size()) != tensor.shape.cols)
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format(
                "importance of {}: found {} channels, expected {}; it was "
                "measured on another model",
                name,
                found->second.size(),
                tensor.shape.cols));
    }
  if (!any)
    throw Error(
        ErrorCode::invalid_argument,
        "the importance file names no matrix of this model");
}

void Importance::save(const std::filesystem::path& path) const {
  std::vector<TensorDeclaration> declared;
  for (const auto& [name, values] : values_)
    declared.push_back(
        {name, Dtype::f32, {static_cast<int64_t>(values.size())}});
  SafetensorsWriter writer(path, declared, {{"format", kFormat}});
  for (const auto& [name, values] : values_)
    writer.write(std::as_bytes(std::span(values)));
  writer.finish();
}

uint64_t Importance::hash() const {
  Hasher64 hasher;
  for (const auto& [name, values] : values_) {
    hasher.update(name);
    hasher.update(std::as_bytes(std::span(values)));
  }
  return hasher.digest();
}

}  // namespace hadal
