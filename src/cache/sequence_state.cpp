#include "cache/sequence_state.h"

#include <algorithm>

#include "base/check.h"

namespace hadal {
namespace {

constexpr int64_t kFloatBytes = static_cast<int64_t>(sizeof(float));

// MTP row i depends on token i + 1.
int64_t mtp_limit(int64_t length) {
  return std::max<int64_t>(0, length - 1);
}

// Calls visit(ring, start) for every ring that a trunk layer must hold up to
// the length itself; start(n) is the first position needed at length n.
template <class State, class Visit>
void for_each_trunk_ring(
    State& state, const CacheLayout& layout, const Visit& visit) {
  const auto window_start = [&](int64_t n) { return layout.window_start(n); };
  for (size_t i = 0; i < layout.layers.size(); ++i) {
    auto& layer = state.layers[i];
    visit(layer.window, window_start);
    const auto visit_history = [&](auto& compressor, const auto& sizes) {
      if (!compressor)
        return;
      const auto start = [&](int64_t n) { return sizes->tail_start(n); };
      visit(compressor->z, start);
      visit(compressor->g, start);
    };
    visit_history(layer.main, layout.layers[i].main);
    visit_history(layer.indexer, layout.layers[i].indexer);
  }
}

template <class State, class Visit>
void for_each_compressor(
    State& state, const CacheLayout& layout, const Visit& visit) {
  for (size_t i = 0; i < layout.layers.size(); ++i) {
    if (state.layers[i].main)
      visit(*state.layers[i].main, *layout.layers[i].main);
    if (state.layers[i].indexer)
      visit(*state.layers[i].indexer, *layout.layers[i].indexer);
  }
}

CompressorState make_compressor_state(
    const CompressorLayout& layout, int64_t rows_per_page) {
  const PositionRing history(
      layout.history_capacity, layout.channels * kFloatBytes);
  return {RowPages(layout.row, rows_per_page), history, history};
}

}  // namespace

SequenceState make_sequence_state(const CacheLayout& layout) {
  const int64_t row_bytes = layout.window_row.row_bytes();
  SequenceState state;
  for (const LayerLayout& layer : layout.layers) {
    LayerState& made = state.layers.emplace_back();
    made.window = PositionRing(layout.window_capacity, row_bytes);
    if (layer.main)
      made.main = make_compressor_state(*layer.main, layout.rows_per_page);
    if (layer.indexer)
      made.indexer =
          make_compressor_state(*layer.indexer, layout.rows_per_page);
  }
  state.mtp_windows.assign(
      static_cast<size_t>(layout.mtp_stages),
      PositionRing(layout.mtp_window_capacity, row_bytes));
  state.hidden =
      PositionRing(layout.hidden_capacity, layout.hidden_width * kFloatBytes);
  return state;
}

bool holds_length(
    const SequenceState& state, const CacheLayout& layout, int64_t length) {
  if (length < 0)
    return false;
  bool held = true;
  for_each_trunk_ring(
      state, layout, [&](const PositionRing& ring, const auto& start) {
        held = held && ring.holds(start(length), length);
      });
  // The MTP stage may lag behind or never have been fed; then nothing of it
  // is cut.
  const int64_t mtp = mtp_limit(length);
  for (const PositionRing& ring : state.mtp_windows) {
    if (ring.end() > mtp)
      held = held && ring.holds(layout.window_start(mtp), mtp);
  }
  if (state.hidden.end() >= length)
    held = held && state.hidden.holds(mtp, length);
  return held;
}

int64_t rewind_floor(const SequenceState& state, const CacheLayout& layout) {
  int64_t floor = state.length;
  while (floor > 0 && holds_length(state, layout, floor - 1))
    --floor;
  return floor;
}

void truncate_rows(
    SequenceState& state, const CacheLayout& layout, int64_t length) {
  for_each_compressor(
      state,
      layout,
      [&](CompressorState& compressor, const CompressorLayout& sizes) {
        compressor.rows.truncate(length / sizes.ratio);
      });
}

void truncate_state(
    SequenceState& state, const CacheLayout& layout, int64_t length) {
  HADAL_CHECK(holds_length(state, layout, length));
  for_each_trunk_ring(state, layout, [&](PositionRing& ring, const auto&) {
    ring.truncate(length);
  });
  truncate_rows(state, layout, length);
  for (PositionRing& ring : state.mtp_windows)
    ring.truncate(mtp_limit(length));
  state.hidden.truncate(length);
  state.length = length;
}

SequenceState compact_state(
    const SequenceState& state,
    const CacheLayout& layout,
    int64_t floor,
    int64_t length,
    PagePool& pool) {
  HADAL_CHECK(floor <= length && holds_length(state, layout, floor));
  SequenceState result = state;
  if (length < state.length)
    truncate_state(result, layout, length);
  const auto shrink = [&](PositionRing& ring, int64_t from) {
    const int64_t first = std::clamp(from, ring.begin(), ring.end());
    ring = ring.resized(ring.end() - first, first, pool);
  };
  for_each_trunk_ring(
      result, layout, [&](PositionRing& ring, const auto& start) {
        shrink(ring, start(floor));
      });
  const int64_t mtp = mtp_limit(floor);
  for (PositionRing& ring : result.mtp_windows)
    shrink(ring, layout.window_start(std::min(ring.end(), mtp)));
  shrink(result.hidden, mtp);
  return result;
}

SequenceState expand_state(
    const SequenceState& state, const CacheLayout& layout, PagePool& pool) {
  const SequenceState empty = make_sequence_state(layout);
  SequenceState result = state;
  const auto grow = [&](PositionRing& ring, const PositionRing& full) {
    ring = ring.resized(full.capacity(), ring.begin(), pool);
  };
  for (size_t i = 0; i < result.layers.size(); ++i) {
    LayerState& layer = result.layers[i];
    const LayerState& full = empty.layers[i];
    grow(layer.window, full.window);
    if (layer.main) {
      grow(layer.main->z, full.main->z);
      grow(layer.main->g, full.main->g);
    }
    if (layer.indexer) {
      grow(layer.indexer->z, full.indexer->z);
      grow(layer.indexer->g, full.indexer->g);
    }
  }
  for (size_t i = 0; i < result.mtp_windows.size(); ++i)
    grow(result.mtp_windows[i], empty.mtp_windows[i]);
  grow(result.hidden, empty.hidden);
  return result;
}

int64_t ring_bytes(const SequenceState& state) {
  int64_t total = 0;
  const auto add = [&](const PositionRing& ring) {
    if (ring.data() != nullptr)
      total += PagePool::block_bytes(ring.capacity() * ring.row_bytes());
  };
  const auto add_history = [&](const std::optional<CompressorState>& history) {
    if (!history)
      return;
    add(history->z);
    add(history->g);
  };
  for (const LayerState& layer : state.layers) {
    add(layer.window);
    add_history(layer.main);
    add_history(layer.indexer);
  }
  for (const PositionRing& ring : state.mtp_windows)
    add(ring);
  add(state.hidden);
  return total;
}

}  // namespace hadal
