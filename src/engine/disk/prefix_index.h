// Which prefixes lie on the disk: a table in SQLite, shared by all servers that
// use the folder. The files themselves never change; a row is only a promise
// that one is there, and whoever finds it broken removes it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hadal {

struct PrefixEntry {
  int64_t id = 0;
  uint64_t fingerprint = 0;  // of the model and its numerics
  int64_t length = 0;        // tokens
  uint64_t hash = 0;         // XXH3 of the token ids
  std::string file;          // name within the folder
  int64_t bytes = 0;
};

inline bool begins_with(
    std::span<const int32_t> tokens, std::span<const int32_t> prefix) {
  return prefix.size() <= tokens.size() &&
         std::equal(prefix.begin(), prefix.end(), tokens.begin());
}

// Safe to use from any thread, and from several processes at once. Every call
// throws Error(io) when the database cannot be read or written.
class PrefixIndex {
 public:
  // Opens or makes it. One that SQLite calls damaged is put aside under the
  // name FILE.damaged and begun anew.
  explicit PrefixIndex(const std::filesystem::path& file);
  ~PrefixIndex();
  PrefixIndex(const PrefixIndex&) = delete;
  PrefixIndex& operator=(const PrefixIndex&) = delete;

  // The distinct lengths in (above, below), increasing.
  std::vector<int64_t> lengths(
      uint64_t fingerprint, int64_t above, int64_t below);
  std::optional<PrefixEntry> find(
      uint64_t fingerprint, int64_t length, uint64_t hash);

  // `ancestors` are the ids of entries whose tokens are a prefix of this one's:
  // unless somebody asks for them again, they are the first to go.
  void add(const PrefixEntry& entry, std::span<const int64_t> ancestors);
  // It was of use just now.
  void touch(int64_t id);
  void remove(int64_t id);

  bool holds(const std::string& file);
  // The entry that is missed least, of any model; none when it is empty.
  std::optional<PrefixEntry> least_useful();

  struct Totals {
    int64_t entries = 0;
    int64_t bytes = 0;
  };
  Totals totals();

 private:
  struct Database;
  std::unique_ptr<Database> database_;
};

}  // namespace hadal
