// For tests: a "model" that uses a cache exactly as the forward pass does, and
// the same model without any cache. Both give one number a position that
// depends on every byte that attention, indexer and pooling may look at.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "cache/sequence_cache.h"

namespace hadal::testing {

// Ratios 0, 4, 128, 4, one MTP stage, rows of a few channels.
ModelConfig small_config();
std::shared_ptr<const CacheLayout> small_layout(
    const CacheOptions& options = {.storage = CacheStorage::exact});

// What a position's output is made of.
using Outputs = std::vector<uint64_t>;

// Thrown in the middle of a pass on request.
struct PassFailed {};
enum class Step { begin, history, rows, attention, window, hidden };
using FailAt = std::function<bool(Step, int64_t layer)>;

// Feeds tokens as one chunk and returns their outputs.
Outputs feed(
    SequenceCache& cache,
    std::span<const int32_t> tokens,
    const FailAt& fail_at = {});

// Feeds them in chunks of at most `chunk_tokens`.
Outputs feed_in_chunks(
    SequenceCache& cache,
    std::span<const int32_t> tokens,
    int64_t chunk_tokens);

// The outputs of a whole sequence from plain arrays.
Outputs outputs_without_cache(
    const CacheLayout& layout, std::span<const int32_t> tokens);

// `count` token ids that depend on the seed.
std::vector<int32_t> random_tokens(uint64_t seed, int64_t count);

}  // namespace hadal::testing
