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
constexpr std::string_view kMoments = ".moments";

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

// Under which name the file has the moments of an item's inputs.
std::string moments_name(const SourceTensor& source, int64_t item) {
  const TensorId holder = moments_holder(source.id);
  return holder == source.id ? channel_name(source, item)
                             : release_name(holder, source.block);
}

std::vector<float> read_floats(
    const StoredTensor& tensor, const std::string& where, int rank) {
  if (tensor.dtype != Dtype::f32 ||
      static_cast<int>(tensor.shape.rank()) != rank)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: found {} {}, expected F32 with {} extent{}",
            where,
            name(tensor.dtype),
            tensor.shape.text(),
            rank,
            rank == 1 ? "" : "s"));
  std::vector<float> values(tensor.bytes / 4);
  std::memcpy(values.data(), tensor.data, tensor.bytes);
  return values;
}

std::vector<float> read_channels(
    const StoredTensor& tensor, const std::string& where) {
  std::vector<float> values = read_floats(tensor, where, 1);
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]) || values[i] < 0)
      throw Error(
          ErrorCode::corrupt,
          fmt::format(
              "{}: entry {} is {}, expected a number that is not negative",
              where,
              i,
              values[i]));
  return values;
}

InputMoments read_moments(
    const StoredTensor& tensor, const std::string& where) {
  InputMoments out;
  out.values = read_floats(tensor, where, 2);
  out.cols = tensor.shape[0];
  out.block = tensor.shape[1];
  if (!is_moment_block(out.block, out.cols))
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: found blocks of {} columns, expected a power of two up to {} "
            "or all columns",
            where,
            out.block,
            kLargestMomentBlock));
  for (size_t i = 0; i < out.values.size(); ++i)
    if (!std::isfinite(out.values[i]))
      throw Error(
          ErrorCode::corrupt,
          fmt::format("{}: entry {} is NaN or infinite", where, i));
  return out;
}

[[noreturn]] void refuse_channels(
    const std::string& name, int64_t found, int64_t expected) {
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format(
          "importance of {}: found {} channels, expected {}; it was measured "
          "on another model",
          name,
          found,
          expected));
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
    const std::string where = path.string() + ": " + in_quotes(tensor.name);
    if (tensor.name.ends_with(kMoments))
      moments_.emplace(
          tensor.name.substr(0, tensor.name.size() - kMoments.size()),
          read_moments(tensor, where));
    else
      values_.emplace(tensor.name, read_channels(tensor, where));
  }
}

const float* Importance::channels(
    const SourceTensor& source, int64_t item) const {
  auto found = values_.find(channel_name(source, item));
  return found == values_.end() ? nullptr : found->second.data();
}

const InputMoments* Importance::moments(
    const SourceTensor& source, int64_t item) const {
  const auto found = moments_.find(moments_name(source, item));
  return found == moments_.end() ? nullptr : &found->second;
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
      const auto at = static_cast<int64_t>(item);
      const std::string name = channel_name(tensor, at);
      const InputMoments* together = moments(tensor, at);
      if (together != nullptr && together->cols != tensor.shape.cols)
        refuse_channels(name, together->cols, tensor.shape.cols);
      const auto found = values_.find(name);
      if (found == values_.end())
        continue;
      any = true;
      const auto channels = static_cast<int64_t>(found->second.size());
      if (channels != tensor.shape.cols)
        refuse_channels(name, channels, tensor.shape.cols);
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
  for (const auto& [name, moments] : moments_)
    declared.push_back(
        {name + std::string(kMoments),
         Dtype::f32,
         {moments.cols, moments.block}});
  SafetensorsWriter writer(path, declared, {{"format", kFormat}});
  for (const auto& [name, values] : values_)
    writer.write(std::as_bytes(std::span(values)));
  for (const auto& [name, moments] : moments_)
    writer.write(std::as_bytes(std::span(moments.values)));
  writer.finish();
}

bool Importance::finite() const {
  const auto all = [](const std::vector<float>& values) {
    return std::ranges::all_of(
        values, [](float value) { return std::isfinite(value); });
  };
  return std::ranges::all_of(
             values_, [&](const auto& entry) { return all(entry.second); }) &&
         std::ranges::all_of(moments_, [&](const auto& entry) {
           return all(entry.second.values);
         });
}

uint64_t Importance::hash() const {
  Hasher64 hasher;
  for (const auto& [name, values] : values_) {
    hasher.update(name);
    hasher.update(std::as_bytes(std::span(values)));
  }
  for (const auto& [name, moments] : moments_) {
    hasher.update(name);
    hasher.update(std::as_bytes(std::span(&moments.block, 1)));
    hasher.update(std::as_bytes(std::span(moments.values)));
  }
  return hasher.digest();
}

}  // namespace hadal
