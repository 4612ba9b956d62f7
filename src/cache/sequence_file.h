// A sequence's state on disk. The format: docs/formats/sequence-state.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cache/sequence_cache.h"

namespace hadal {

struct SavedSequence {
  std::vector<int32_t> tokens;
  Snapshot state;
};

// Writes a file beside `path`, syncs it and renames it, so that `path` is
// always whole. `fingerprint` identifies the weights and the numerics;
// tokens.size() == state.length(). Take the snapshot with a reach if the loaded
// sequence shall be able to rewind. Throws Error(io), also for a full disk.
// `on_bytes` is told of every piece just written: it may wait, to be gentle to
// the disk, or throw, and then no file appears.
void save_sequence(
    const std::filesystem::path& path,
    const Snapshot& state,
    std::span<const int32_t> tokens,
    uint64_t fingerprint,
    const std::function<void(int64_t bytes)>& on_bytes = {});

// The size of the file that save_sequence writes.
int64_t saved_bytes(const Snapshot& state);

// Throws Error: not_found, io, corrupt (no such file format, cut short, damaged
// bytes), unsupported (another version, fingerprint or layout: the sequence has
// to be computed again), resource (the pool is full).
SavedSequence load_sequence(
    const std::filesystem::path& path,
    std::shared_ptr<const CacheLayout> layout,
    std::shared_ptr<PagePool> pool,
    uint64_t fingerprint);

}  // namespace hadal
