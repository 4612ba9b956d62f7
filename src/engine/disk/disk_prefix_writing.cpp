// The half of DiskPrefixStore that writes, on a thread of its own.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "engine/disk/disk_prefix_store.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;

// Offers hold memory of the pool until they are written.
constexpr size_t kQueueLength = 8;
// How many new tokens make a longer prefix worth a file of its own: the file
// holds the old ones once more.
int64_t worthwhile_tokens(int64_t length) {
  return std::max<int64_t>(64, length / 16);
}

struct Stopped {};  // the store is going away while it writes

}  // namespace

void DiskPrefixStore::offer(
    std::vector<int32_t> tokens, const Snapshot& state) {
  const auto length = static_cast<int64_t>(tokens.size());
  if (length < options_.min_tokens || state.length() != length)
    return;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      return;
    // A conversation that grows faster than it is written waits once, with its
    // newest state.
    std::erase_if(queue_, [&](const Offer& old) {
      const auto shorter = static_cast<int64_t>(old.tokens.size());
      return shorter <= length &&
             length - shorter < worthwhile_tokens(length) &&
             begins_with(tokens, old.tokens);
    });
    if (queue_.size() == kQueueLength)
      queue_.pop_front();
    queue_.push_back({std::move(tokens), state});
  }
  changed_.notify_all();
}

void DiskPrefixStore::flush() {
  pace_.hurry(true);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.empty() && !writing_; });
  lock.unlock();
  pace_.hurry(false);
}

void DiskPrefixStore::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_)
      return;
    std::optional<Offer> offer = std::move(queue_.front());
    queue_.pop_front();
    writing_ = true;
    lock.unlock();
    try {
      write(*offer);
    } catch (const Stopped&) {
    } catch (const std::exception& error) {
      log(LogLevel::warning,
          "engine",
          "a prefix of {} tokens is not saved: {}",
          offer->tokens.size(),
          error.what());
    }
    offer.reset();  // gives its memory back
    lock.lock();
    writing_ = false;
    changed_.notify_all();
  }
}

void DiskPrefixStore::write(const Offer& offer) {
  const auto length = static_cast<int64_t>(offer.tokens.size());
  const std::vector<PrefixEntry> known =
      prefixes_of(offer.tokens, 0, length + 1);
  if (!known.empty() &&
      length - known.back().length < worthwhile_tokens(length)) {
    index_.touch(known.back().id);
    return;
  }
  const int64_t bytes = saved_bytes(offer.state);
  if (!make_room(bytes))
    return;

  const uint64_t hash =
      hash64(std::as_bytes(std::span<const int32_t>(offer.tokens)));
  const PrefixEntry entry{
      .fingerprint = options_.fingerprint,
      .length = length,
      .hash = hash,
      .file = fmt::format(
          "{:016x}-{}-{:016x}.hds", options_.fingerprint, length, hash),
      .bytes = bytes};
  save_sequence(
      path(entry),
      offer.state,
      offer.tokens,
      options_.fingerprint,
      [this](int64_t piece) {
        pace_.wrote(piece);
        const std::lock_guard lock(mutex_);
        if (stopping_)
          throw Stopped();
        written_bytes_ += static_cast<uint64_t>(piece);
      });
  std::vector<int64_t> ancestors;
  for (const PrefixEntry& ancestor : known)
    ancestors.push_back(ancestor.id);
  index_.add(entry, ancestors);
}

// Makes the least useful files go until there is room. False: there can be
// none.
bool DiskPrefixStore::make_room(int64_t bytes) {
  if (bytes > options_.budget_bytes) {
    log(LogLevel::warning,
        "engine",
        "a prefix takes {} bytes, more than the whole budget of {}; it is not "
        "saved",
        bytes,
        options_.budget_bytes);
    return false;
  }
  while (true) {
    std::error_code error;
    const fs::space_info space = fs::space(options_.folder, error);
    const bool disk_has_room =
        error ||
        static_cast<int64_t>(space.available) - bytes >= options_.reserve_bytes;
    if (disk_has_room && index_.totals().bytes + bytes <= options_.budget_bytes)
      return true;
    const std::optional<PrefixEntry> victim = index_.least_useful();
    if (!victim) {
      log(LogLevel::warning,
          "engine",
          "{}: the disk has no room for saved prefixes",
          options_.folder.string());
      return false;
    }
    remove(*victim);
  }
}

}  // namespace hadal
