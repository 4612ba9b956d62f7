#include "model/chunk.h"

#include <gtest/gtest.h>

#include <vector>

namespace hadal {
namespace {

Chunk make_chunk() {
  Chunk chunk;
  // Three sequences; their caches are told apart by address only.
  const int64_t lengths[] = {3, 1, 4};
  const int64_t starts[] = {10, 0, 127};
  for (int64_t s = 0; s < 3; ++s) {
    chunk.segments.push_back(
        {.cache = reinterpret_cast<SequenceCache*>(64 * (s + 1)),
         .row = chunk.tokens(),
         .tokens = lengths[s],
         .position = starts[s]});
    for (int64_t i = 0; i < lengths[s]; ++i) {
      chunk.ids.push_back(static_cast<int32_t>(100 * s + i));
      chunk.positions.push_back(starts[s] + i);
    }
  }
  return chunk;
}

TEST(Chunk, SliceKeepsEveryTokenWithItsSequence) {
  const Chunk chunk = make_chunk();
  for (int64_t first = 0; first < chunk.tokens(); ++first)
    for (int64_t count = 1; first + count <= chunk.tokens(); ++count) {
      const Chunk part = slice(chunk, first, count);
      ASSERT_EQ(part.tokens(), count);
      int64_t next = 0;
      for (const Segment& segment : part.segments) {
        ASSERT_EQ(segment.row, next);
        ASSERT_GT(segment.tokens, 0);
        for (int64_t i = 0; i < segment.tokens; ++i, ++next) {
          const auto of_part = static_cast<size_t>(next);
          const auto of_chunk = static_cast<size_t>(first + next);
          ASSERT_EQ(part.ids[of_part], chunk.ids[of_chunk]);
          ASSERT_EQ(part.positions[of_part], chunk.positions[of_chunk]);
          ASSERT_EQ(segment.position + i, part.positions[of_part]);
        }
        // Ids tell the sequence.
        const int32_t id = part.ids[static_cast<size_t>(segment.row)];
        ASSERT_EQ(
            segment.cache, chunk.segments[static_cast<size_t>(id / 100)].cache);
      }
      ASSERT_EQ(next, count);
    }
}

}  // namespace
}  // namespace hadal
