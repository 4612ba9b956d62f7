#include "checkpoint/safetensors_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "base/check.h"
#include "checkpoint/quote.h"
#include "checkpoint/safetensors.h"
#include "hadal/error.h"

namespace hadal {
namespace {

std::string json_string(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(
        ErrorCode::invalid_argument,
        in_quotes(text) + ": a tensor's name must be UTF-8");
  }
}

}  // namespace

uint64_t TensorDeclaration::bytes() const {
  const std::optional<int64_t> elements = shape.elements();
  int64_t size_bits = 0;
  if (!elements ||
      __builtin_mul_overflow(*elements, int64_t{bits(dtype)}, &size_bits) ||
      size_bits % 8 != 0)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "tensor {}: {} of shape {} has no size in bytes",
            in_quotes(name),
            hadal::name(dtype),
            shape.text()));
  return static_cast<uint64_t>(size_bits / 8);
}

void sort_for_alignment(std::vector<TensorDeclaration>& tensors) {
  std::ranges::stable_sort(
      tensors, std::greater(), [](const TensorDeclaration& tensor) {
        return alignment(tensor.dtype);
      });
}

std::string safetensors_header(
    const std::vector<TensorDeclaration>& tensors,
    const SafetensorsMetadata& metadata) {
  std::string json = "{";
  const auto begin_entry = [&](const std::string& name) {
    if (json.size() > 1)
      json += ',';
    json += json_string(name) + ":";
  };
  if (!metadata.empty()) {
    begin_entry("__metadata__");
    for (size_t i = 0; i < metadata.size(); ++i)
      json += (i == 0 ? "{" : ",") + json_string(metadata[i].first) + ":" +
              json_string(metadata[i].second);
    json += "}";
  }
  std::unordered_set<std::string> names{"__metadata__"};
  uint64_t offset = 0;
  for (const TensorDeclaration& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      throw Error(
          ErrorCode::invalid_argument,
          "two tensors with the name " + in_quotes(tensor.name));
    begin_entry(tensor.name);
    const uint64_t end = offset + tensor.bytes();
    json += fmt::format(
        R"({{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})",
        name(tensor.dtype),
        tensor.shape.text(),
        offset,
        end);
    offset = end;
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');
  if (json.size() >= kSafetensorsHeaderLimitBytes)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "a header of {} bytes, the limit is {}; write more shards",
            json.size(),
            kSafetensorsHeaderLimitBytes));
  const uint64_t length = json.size();
  std::string header(sizeof length, '\0');
  std::memcpy(header.data(), &length, sizeof length);
  return header + json;
}

SafetensorsWriter::SafetensorsWriter(
    std::filesystem::path path,
    const std::vector<TensorDeclaration>& tensors,
    const SafetensorsMetadata& metadata)
    : file_(std::move(path)) {
  file_.write(safetensors_header(tensors, metadata));
  for (const TensorDeclaration& tensor : tensors)
    left_ += tensor.bytes();
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  HADAL_CHECK(bytes.size() <= left_);
  file_.write(bytes);
  left_ -= bytes.size();
}

void SafetensorsWriter::finish() {
  HADAL_CHECK(left_ == 0);
  file_.commit();
}

}  // namespace hadal
