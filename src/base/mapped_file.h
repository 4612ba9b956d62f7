// A file mapped into memory, read-only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace hadal {

// Maps a whole file; the bytes stay valid while the object lives. Moves, does
// not copy. The kernel loads pages at the first touch, so mapping 160 GB costs
// nothing.
class MappedFile {
 public:
  MappedFile() = default;
  // Throws Error(not_found) or Error(io) with the path and the system's reason.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hadal
