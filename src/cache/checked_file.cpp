#include "cache/checked_file.h"

#include <fmt/format.h>

#include "hadal/error.h"

namespace hadal {
namespace {

constexpr size_t kChecksumBytes = 8;
constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

CheckedWriter::CheckedWriter(
    const std::filesystem::path& path,
    std::function<void(int64_t bytes)> on_bytes)
    : file_(path), on_bytes_(std::move(on_bytes)) {
  buffer_.reserve(kBufferBytes);
}

void CheckedWriter::write(const void* data, int64_t bytes) {
  const auto* const first = static_cast<const std::byte*>(data);
  position_ += bytes;
  buffer_.insert(buffer_.end(), first, first + bytes);
  if (buffer_.size() >= kBufferBytes)
    flush();
}

void CheckedWriter::flush() {
  hash_.update(buffer_);
  file_.write(buffer_);
  if (on_bytes_)
    on_bytes_(static_cast<int64_t>(buffer_.size()));
  buffer_.clear();
}

void CheckedWriter::commit() {
  flush();
  const uint64_t checksum = hash_.digest();
  file_.write(std::as_bytes(std::span(&checksum, 1)));
  file_.commit();
}

CheckedReader::CheckedReader(const std::filesystem::path& path) : file_(path) {
  if (file_.bytes().size() < kChecksumBytes) {
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: {} bytes are too few for any saved state; the file is cut "
            "short, delete it",
            path.string(),
            file_.bytes().size()));
  }
  contents_ = file_.bytes().first(file_.bytes().size() - kChecksumBytes);
}

const std::byte* CheckedReader::take(int64_t bytes) {
  if (bytes < 0 || bytes > remaining()) {
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: {} bytes are needed at offset {}, but only {} are left; the "
            "file is cut short or damaged, delete it",
            path().string(),
            bytes,
            position_,
            remaining()));
  }
  const std::byte* const result = contents_.data() + position_;
  position_ += bytes;
  return result;
}

void CheckedReader::verify() const {
  uint64_t found = 0;
  std::memcpy(&found, contents_.data() + contents_.size(), kChecksumBytes);
  const uint64_t expected = hash64(contents_);
  if (found != expected) {
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: the checksum is {:016x}, the contents give {:016x}; the file "
            "is damaged, delete it",
            path().string(),
            found,
            expected));
  }
}

}  // namespace hadal
