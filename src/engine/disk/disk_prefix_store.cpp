#include "engine/disk/disk_prefix_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "hadal/error.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;

// A file that no index knows and that is older belongs to nobody: between a
// rename and its row lie milliseconds, and no file is written for an hour.
constexpr std::chrono::hours kStrayAge{1};

fs::path make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder / "prefixes", error);
  if (!error)
    fs::permissions(folder, fs::perms::owner_all, error);
  if (error)
    throw Error(
        ErrorCode::io,
        fmt::format(
            "{}: the folder for saved prefixes cannot be made ({}); name one "
            "that this user can write",
            folder.string(),
            error.message()));
  return folder;
}

}  // namespace

DiskPrefixStore::DiskPrefixStore(
    DiskPrefixStoreOptions options,
    std::shared_ptr<const CacheLayout> layout,
    std::shared_ptr<PagePool> pool)
    : options_(std::move(options)),
      layout_(std::move(layout)),
      pool_(std::move(pool)),
      index_(make_folder(options_.folder) / "index.sqlite"),
      pace_(options_.write_bytes_per_second) {
  remove_strays();
  writer_ = std::thread([this] { run(); });
}

DiskPrefixStore::~DiskPrefixStore() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  pace_.hurry(true);
  writer_.join();
}

fs::path DiskPrefixStore::path(const PrefixEntry& entry) const {
  return options_.folder / "prefixes" / entry.file;
}

std::vector<PrefixEntry> DiskPrefixStore::prefixes_of(
    std::span<const int32_t> tokens, int64_t above, int64_t below) {
  std::vector<PrefixEntry> result;
  Hasher64 hasher;
  int64_t hashed = 0;
  for (const int64_t length :
       index_.lengths(options_.fingerprint, above, below)) {
    hasher.update(std::as_bytes(tokens.subspan(
        static_cast<size_t>(hashed), static_cast<size_t>(length - hashed))));
    hashed = length;
    if (const auto entry =
            index_.find(options_.fingerprint, length, hasher.digest()))
      result.push_back(*entry);
  }
  return result;
}

std::optional<SavedSequence> DiskPrefixStore::find(
    std::span<const int32_t> tokens, int64_t longer_than) {
  std::vector<PrefixEntry> entries;
  try {
    entries =
        prefixes_of(tokens, longer_than, static_cast<int64_t>(tokens.size()));
  } catch (const Error& error) {
    log(LogLevel::warning, "engine", "{}", error.what());
    return std::nullopt;
  }
  for (; !entries.empty(); entries.pop_back()) {
    const PrefixEntry& entry = entries.back();
    try {
      SavedSequence saved =
          load_sequence(path(entry), layout_, pool_, options_.fingerprint);
      // Two texts with one hash: a miss, and the file is as good as any.
      if (!begins_with(tokens, saved.tokens))
        continue;
      index_.touch(entry.id);
      return saved;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::resource)
        throw;
      // Evicted by another server, damaged, or of an older program: never
      // looked at again.
      log(LogLevel::warning,
          "engine",
          "a saved prefix of {} tokens is dropped: {}",
          entry.length,
          error.what());
      if (error.code() != ErrorCode::not_found) {
        const std::lock_guard lock(mutex_);
        ++damaged_;
      }
      remove(entry);
    }
  }
  return std::nullopt;
}

int64_t DiskPrefixStore::longest(std::span<const int32_t> tokens) {
  try {
    const std::vector<PrefixEntry> entries =
        prefixes_of(tokens, 0, static_cast<int64_t>(tokens.size()));
    return entries.empty() ? 0 : entries.back().length;
  } catch (const Error& error) {
    log(LogLevel::warning, "engine", "{}", error.what());
    return 0;
  }
}

void DiskPrefixStore::remove(const PrefixEntry& entry) {
  try {
    index_.remove(entry.id);
  } catch (const Error& error) {
    log(LogLevel::warning, "engine", "{}", error.what());
  }
  std::error_code ignored;
  fs::remove(path(entry), ignored);
}

void DiskPrefixStore::remove_strays() {
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (const fs::directory_entry& file :
       fs::directory_iterator(options_.folder / "prefixes", error)) {
    const auto written = file.last_write_time(error);
    if (!error && now - written > kStrayAge &&
        !index_.holds(file.path().filename().string()))
      fs::remove(file.path(), error);
  }
}

PrefixStoreStatus DiskPrefixStore::status() const {
  PrefixStoreStatus result{.budget_bytes = options_.budget_bytes};
  try {
    const PrefixIndex::Totals totals = index_.totals();
    result.entries = totals.entries;
    result.bytes = totals.bytes;
  } catch (const Error& error) {
    log(LogLevel::warning, "engine", "{}", error.what());
  }
  const std::lock_guard lock(mutex_);
  result.queued_writes =
      static_cast<int64_t>(queue_.size()) + (writing_ ? 1 : 0);
  result.written_bytes = written_bytes_;
  result.damaged = damaged_;
  return result;
}

}  // namespace hadal
