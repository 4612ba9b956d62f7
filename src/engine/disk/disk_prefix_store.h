// Saved prefixes in a folder: one checksummed file each
// (cache/sequence_file.h), found through an index in SQLite.
//
//   DIR/index.sqlite
//   DIR/prefixes/FINGERPRINT-LENGTH-HASH.hds
//
// A file appears whole (written beside, synced, renamed) before its row does,
// so a process that is killed leaves at most a file nobody knows; the next
// start removes it. Several servers may share a folder and its budget. The
// files hold what users wrote: the folder is made for its owner alone.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "engine/disk/prefix_index.h"
#include "engine/disk/write_pace.h"
#include "engine/prefix_store.h"

namespace hadal {

struct DiskPrefixStoreOptions {
  std::filesystem::path folder;  // made when it is not there
  int64_t budget_bytes = int64_t{50} << 30;
  uint64_t fingerprint = 0;  // ModelInfo::fingerprint
  // Shorter prefixes are read again as fast as they are loaded.
  int64_t min_tokens = 512;
  int64_t write_bytes_per_second = int64_t{200} << 20;
  // Room on the file system that is left to others.
  int64_t reserve_bytes = int64_t{1} << 30;
};

class DiskPrefixStore : public PrefixStore {
 public:
  // Throws Error(io) when the folder cannot be made or used.
  DiskPrefixStore(
      DiskPrefixStoreOptions options,
      std::shared_ptr<const CacheLayout> layout,
      std::shared_ptr<PagePool> pool);
  // Drops what was not written yet; call flush before to keep it.
  ~DiskPrefixStore() override;

  std::optional<SavedSequence> find(
      std::span<const int32_t> tokens, int64_t longer_than) override;
  int64_t longest(std::span<const int32_t> tokens) override;
  void offer(std::vector<int32_t> tokens, const Snapshot& state) override;
  void flush() override;
  PrefixStoreStatus status() const override;

 private:
  struct Offer {
    std::vector<int32_t> tokens;
    Snapshot state;
  };
  void run();
  void write(const Offer& offer);
  bool make_room(int64_t bytes);
  void remove(const PrefixEntry& entry);
  void remove_strays();
  // Entries whose tokens are the first of `tokens`, shortest first.
  std::vector<PrefixEntry> prefixes_of(
      std::span<const int32_t> tokens, int64_t above, int64_t below);
  std::filesystem::path path(const PrefixEntry& entry) const;

  const DiskPrefixStoreOptions options_;
  const std::shared_ptr<const CacheLayout> layout_;
  const std::shared_ptr<PagePool> pool_;
  mutable PrefixIndex index_;
  WritePace pace_;

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Offer> queue_;
  bool writing_ = false;
  bool stopping_ = false;
  uint64_t written_bytes_ = 0;
  uint64_t damaged_ = 0;

  std::thread writer_;  // last: it uses all of the above
};

}  // namespace hadal
