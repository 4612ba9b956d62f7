// The state of one sequence, as data (spec 4.1).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cache/cache_layout.h"
#include "cache/position_ring.h"
#include "cache/row_pages.h"

namespace hadal {

// What one compressor of a layer remembers.
struct CompressorState {
  RowPages rows;   // length / ratio of them
  PositionRing z;  // float32 [channels] a position
  PositionRing g;  // with the position bias added
};

struct LayerState {
  PositionRing window;
  std::optional<CompressorState> main;
  std::optional<CompressorState> indexer;
};

// Copies share memory (copy-on-write). Sequences, snapshots and state files
// hold the same structure; only the capacity of their rings differs.
struct SequenceState {
  int64_t length = 0;
  std::vector<LayerState> layers;
  std::vector<PositionRing> mtp_windows;
  PositionRing hidden;
};

// A sequence of no tokens, without memory yet.
SequenceState make_sequence_state(const CacheLayout& layout);

// Does `state` hold everything that the sequence's first `length` tokens left?
// True for the state's own length, and for shorter ones within reach.
bool holds_length(
    const SequenceState& state, const CacheLayout& layout, int64_t length);

// The smallest length that holds_length() answers with true.
int64_t rewind_floor(const SequenceState& state, const CacheLayout& layout);

// Gives up the pages of compressed rows that `length` tokens do not have.
void truncate_rows(
    SequenceState& state, const CacheLayout& layout, int64_t length);

// Cuts to a length that is held. The MTP rings are cut to length - 1: row i
// there depends on token i + 1.
void truncate_state(
    SequenceState& state, const CacheLayout& layout, int64_t length);

// The state at `length`, able to be cut back to `floor` (both held), with rings
// of just that size.
SequenceState compact_state(
    const SequenceState& state,
    const CacheLayout& layout,
    int64_t floor,
    int64_t length,
    PagePool& pool);

// The inverse: rings of the layout's capacities.
SequenceState expand_state(
    const SequenceState& state, const CacheLayout& layout, PagePool& pool);

// Bytes of the rings; pages are shared and not counted.
int64_t ring_bytes(const SequenceState& state);

}  // namespace hadal
