// The tokens of one pass through the model: ragged, of any sequences.
#pragma once

#include <cstdint>
#include <vector>

#include "cache/sequence_cache.h"

namespace hadal {

// The consecutive tokens of one sequence in a chunk.
struct Segment {
  SequenceCache* cache = nullptr;
  int64_t row = 0;       // of its first token among the chunk's tokens
  int64_t tokens = 0;    // >= 1
  int64_t position = 0;  // of its first token in the sequence
};

// Rows are tokens. A sequence has at most one segment.
struct Chunk {
  std::vector<Segment> segments;
  std::vector<int32_t> ids;        // [tokens]
  std::vector<int64_t> positions;  // [tokens]

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
};

// Rows [first, first + count) as a chunk of their own. The chunk's rows before
// them count as the past, for those who have stored them.
Chunk slice(const Chunk& chunk, int64_t first, int64_t count);

}  // namespace hadal
