#include "checkpoint/safetensors_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

// A new name is durable only when its directory is written too.
void sync_directory(const std::filesystem::path& path) {
  const int directory = ::open(
      path.parent_path().empty() ? "." : path.parent_path().c_str(),
      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return;
  ::fsync(directory);
  ::close(directory);
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
    : path_(std::move(path)), partial_(path_.string() + ".partial") {
  const std::string header = safetensors_header(tensors, metadata);
  for (const TensorDeclaration& tensor : tensors)
    left_ += tensor.bytes();
  file_ =
      ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file_ < 0)
    fail("create", errno);
  try {
    write_all(header.data(), header.size());
  } catch (const Error&) {
    discard();
    throw;
  }
}

SafetensorsWriter::~SafetensorsWriter() {
  if (file_ >= 0)
    discard();
}

void SafetensorsWriter::discard() {
  ::close(file_);
  ::unlink(partial_.c_str());
  file_ = -1;
}

void SafetensorsWriter::fail(const char* action, int error) const {
  throw Error(
      ErrorCode::io,
      fmt::format(
          "{}: cannot {}: {}",
          partial_.string(),
          action,
          std::strerror(error)));
}

void SafetensorsWriter::write_all(const void* data, size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(file_, from, bytes);
    if (written < 0) {
      if (errno == EINTR)
        continue;
      fail("write", errno);
    }
    from += written;
    bytes -= static_cast<size_t>(written);
  }
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  HADAL_CHECK(file_ >= 0 && bytes.size() <= left_);
  write_all(bytes.data(), bytes.size());
  left_ -= bytes.size();
}

void SafetensorsWriter::finish() {
  HADAL_CHECK(file_ >= 0 && left_ == 0);
  if (::fsync(file_) != 0)
    fail("write", errno);
  if (::rename(partial_.c_str(), path_.c_str()) != 0)
    fail("rename", errno);
  ::close(file_);
  file_ = -1;
  sync_directory(path_);
}

}  // namespace hadal
