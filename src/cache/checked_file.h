// Files that end with a checksum of everything before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/hash.h"
#include "base/mapped_file.h"

namespace hadal {

// Writes in large pieces to an AtomicFile; errors are those of that class.
class CheckedWriter {
 public:
  // `on_bytes` is told of every piece just handed to the system.
  explicit CheckedWriter(
      const std::filesystem::path& path,
      std::function<void(int64_t bytes)> on_bytes = {});

  void write(const void* data, int64_t bytes);
  int64_t position() const { return position_; }
  // Appends the checksum; then the file appears.
  void commit();

 private:
  void flush();

  AtomicFile file_;
  std::function<void(int64_t bytes)> on_bytes_;
  Hasher64 hash_;
  std::vector<std::byte> buffer_;
  int64_t position_ = 0;
};

// Reads such a file from its beginning to its checksum.
class CheckedReader {
 public:
  // Throws Error(not_found), Error(io), and Error(corrupt) when the file cannot
  // even hold a checksum.
  explicit CheckedReader(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  int64_t remaining() const {
    return static_cast<int64_t>(contents_.size()) - position_;
  }

  // The next bytes; they stay valid with the reader. Throws Error(corrupt) when
  // fewer are left.
  const std::byte* take(int64_t bytes);
  template <class T>
  T take_value() {
    T value;
    std::memcpy(&value, take(static_cast<int64_t>(sizeof(T))), sizeof(T));
    return value;
  }

  // Throws Error(corrupt) when the bytes are not those that were written.
  void verify() const;

 private:
  MappedFile file_;
  std::span<const std::byte> contents_;  // without the checksum
  int64_t position_ = 0;
};

}  // namespace hadal
