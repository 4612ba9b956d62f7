#include "weights/load_checkpoint.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "checkpoint/quantization.h"
#include "hadal/error.h"
#include "kernels/codecs/number_formats.h"
#include "weights/fingerprint.h"
#include "weights/model_binder.h"

namespace hadal {
namespace {

LoadedModel bind(const std::filesystem::path& directory) {
  LoadedModel model;
  model.config = read_model_config(directory);
  const std::optional<QuantizationPlan> plan = read_quantization(directory);
  auto storage =
      std::make_shared<CheckpointStorage>(CheckpointFiles(directory));
  ModelBinder binder(model.config, *storage, plan ? &*plan : nullptr);
  model.weights = binder.bind();
  model.report = binder.report();
  model.scales = binder.scales();
  model.weights.storage = storage;
  model.storage = std::move(storage);
  return model;
}

template <class Id>
std::optional<int64_t> first_out_of_range(
    const StoredTensor& table, int64_t experts) {
  const auto count = static_cast<int64_t>(table.bytes / sizeof(Id));
  for (int64_t i = 0; i < count; ++i) {
    Id id;
    std::memcpy(
        &id, table.data + i * static_cast<int64_t>(sizeof(Id)), sizeof id);
    if (id < 0 || id >= experts)
      return i;
  }
  return std::nullopt;
}

// The kernels index with these numbers.
void verify_hash_tables(const LoadedModel& model) {
  for (const SafetensorsFile& shard : model.storage->files().shards())
    for (const StoredTensor& tensor : shard.tensors()) {
      if (!tensor.name.ends_with(".tid2eid"))
        continue;
      const int64_t experts = model.config.n_routed_experts;
      const std::optional<int64_t> bad =
          tensor.dtype == Dtype::i64
              ? first_out_of_range<int64_t>(tensor, experts)
              : first_out_of_range<int32_t>(tensor, experts);
      if (bad)
        throw Error(
            ErrorCode::corrupt,
            fmt::format(
                "{}: entry {} is no expert number, expected 0 to {}; fetch "
                "the file again",
                model.storage->where(tensor),
                *bad,
                experts - 1));
    }
}

// The first entry that is no number; empty when all are.
std::optional<uint64_t> first_bad_scale(const StoredTensor& scales) {
  if (scales.dtype == Dtype::f8_e8m0 || scales.dtype == Dtype::u8) {
    if (scales.bytes == 0)
      return std::nullopt;
    const void* nan = std::memchr(scales.data, 255, scales.bytes);
    if (nan == nullptr)
      return std::nullopt;
    return static_cast<uint64_t>(
        static_cast<const std::byte*>(nan) - scales.data);
  }
  const auto width = static_cast<uint64_t>(bits(scales.dtype) / 8);
  for (uint64_t i = 0; i < scales.bytes / width; ++i) {
    const std::byte* at = scales.data + i * width;
    float value = 0;
    if (scales.dtype == Dtype::f32) {
      std::memcpy(&value, at, sizeof value);
    } else {
      uint16_t half = 0;
      std::memcpy(&half, at, sizeof half);
      value = scales.dtype == Dtype::bf16 ? bf16_to_float(half)
                                          : f16_to_float(half);
    }
    if (!std::isfinite(value))
      return i;
  }
  return std::nullopt;
}

}  // namespace

LoadedModel inspect_checkpoint(const std::filesystem::path& directory) {
  return bind(directory);
}

LoadedModel load_checkpoint(const std::filesystem::path& directory) {
  LoadedModel model = bind(directory);
  verify_hash_tables(model);
  if (model.report.tensor_bytes < kCheckScalesBelowBytes)
    verify_scales(model);
  model.fingerprint = fingerprint(directory, model.storage->files());
  return model;
}

void verify_scales(const LoadedModel& model) {
  for (const StoredTensor* scales : model.scales)
    if (const std::optional<uint64_t> bad = first_bad_scale(*scales))
      throw Error(
          ErrorCode::corrupt,
          fmt::format(
              "{}: scale {} of {} is NaN or infinite; the file is damaged, "
              "fetch it again",
              model.storage->where(*scales),
              *bad,
              scales->shape.text()));
}

}  // namespace hadal
