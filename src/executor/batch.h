// What an executor is asked to compute: tokens to append to sequences.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>

#include "cache/sequence_cache.h"

namespace hadal {

struct BatchEntry {
  SequenceCache* cache = nullptr;
  std::span<const int32_t> tokens;     // appended at cache->length()
  std::span<const int64_t> logits_at;  // offsets into tokens, increasing
};

// What may be watched during a run.
struct RunHooks {
  // After a chunk: tokens done, of all.
  std::function<void(int64_t done, int64_t total)> on_progress;
  // After a layer of a chunk, once an entry: its streams [tokens, n, D].
  std::function<void(
      int64_t layer,
      int64_t entry,
      int64_t first_position,
      std::span<const float> streams)>
      on_layer;
  // Looked at between chunks, and between the layers of long ones, whose
  // sequences may then be poisoned: Error(cancelled).
  std::stop_token stop;
};

}  // namespace hadal
