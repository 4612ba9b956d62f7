// One safetensors file that is written in pieces at known places and appears
// under its name only when it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace hadal {

// Bytes go to PATH.part, which a later run overwrites; commit() makes it
// durable and renames it. A killed or failed run leaves the part behind, never
// PATH. All calls throw Error(resource) when the disk is full and Error(io) for
// other failures. Threads may write at once, to different places.
class ShardFile {
 public:
  // `bytes` is the size of the whole.
  ShardFile(std::filesystem::path path, uint64_t bytes);
  ~ShardFile();
  ShardFile(const ShardFile&) = delete;
  ShardFile& operator=(const ShardFile&) = delete;

  void write(uint64_t offset, std::span<const std::byte> bytes);
  void commit();

 private:
  [[noreturn]] void fail(const char* action, int error) const;

  std::filesystem::path path_;
  std::filesystem::path part_;
  int fd_ = -1;
};

}  // namespace hadal
