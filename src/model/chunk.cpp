#include "model/chunk.h"

#include <algorithm>

namespace hadal {

Chunk slice(const Chunk& chunk, int64_t first, int64_t count) {
  const int64_t end = first + count;
  Chunk part;
  part.ids.assign(chunk.ids.begin() + first, chunk.ids.begin() + end);
  part.positions.assign(
      chunk.positions.begin() + first, chunk.positions.begin() + end);
  for (const Segment& segment : chunk.segments) {
    const int64_t from = std::max(first, segment.row);
    const int64_t to = std::min(end, segment.row + segment.tokens);
    if (from < to)
      part.segments.push_back(
          {.cache = segment.cache,
           .row = from - first,
           .tokens = to - from,
           .position = segment.position + from - segment.row});
  }
  return part;
}

}  // namespace hadal
