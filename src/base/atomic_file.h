// Writes a file that appears whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace hadal {

// Bytes go to a new file beside `path`; commit() makes them durable and renames
// it to `path`, replacing what was there. Without commit() nothing remains.
// Every call throws Error(io) with the path and the system's reason (a full
// disk, a folder that does not exist or cannot be written). Used by one thread.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

  // Removes what processes that were killed before commit() left beside `path`.
  // Nobody may be writing `path` meanwhile. Nothing is an error.
  static void remove_abandoned(const std::filesystem::path& path);

 private:
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path path_;
  std::filesystem::path beside_;  // empty once committed
  int fd_ = -1;
};

}  // namespace hadal
