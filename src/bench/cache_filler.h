// Caches as a long text would have left them, without reading one.
#pragma once

#include <cstdint>
#include <stop_token>

#include "cache/sequence_cache.h"

namespace hadal {

// Appends `tokens` positions of random rows to a sequence: window rows, rows of
// both compressors and the pooling history, in the formats of the layout.
// 64 different rows of each kind are made and repeated. Throws what the cache
// throws, and Error(cancelled) on a stop.
void fill_cache(
    SequenceCache& cache, int64_t tokens, uint64_t seed, std::stop_token stop);

}  // namespace hadal
