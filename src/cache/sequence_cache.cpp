#include "cache/sequence_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr int64_t kFloatBytes = static_cast<int64_t>(sizeof(float));

template <class T>
const std::byte* bytes_of(const T* values) {
  return reinterpret_cast<const std::byte*>(values);
}

const float* floats_of(const std::byte* bytes) {
  return reinterpret_cast<const float*>(bytes);
}

}  // namespace

SequenceCache::SequenceCache(
    std::shared_ptr<const CacheLayout> layout, std::shared_ptr<PagePool> pool)
    : layout_(std::move(layout)),
      pool_(std::move(pool)),
      state_(make_sequence_state(*layout_)) {}

SequenceCache::SequenceCache(const Snapshot& snapshot)
    : layout_(snapshot.shared_layout()),
      pool_(snapshot.pool()),
      state_(expand_state(snapshot.state(), *layout_, *pool_)) {}

SequenceCache::SequenceCache(
    std::shared_ptr<const CacheLayout> layout,
    std::shared_ptr<PagePool> pool,
    SequenceState state)
    : layout_(std::move(layout)),
      pool_(std::move(pool)),
      state_(std::move(state)) {}

void SequenceCache::require_usable() const {
  if (poisoned_) {
    throw Error(
        ErrorCode::internal,
        "a forward pass of this sequence failed midway and its state is lost; "
        "go back to a snapshot or start the sequence anew");
  }
}

SequenceCache SequenceCache::fork() const {
  require_usable();
  HADAL_CHECK(!in_flight());
  return SequenceCache(layout_, pool_, state_);
}

void SequenceCache::reset() {
  state_ = make_sequence_state(*layout_);
  end_ = -1;
  poisoned_ = false;
}

// --- a forward pass

void SequenceCache::begin(int64_t tokens) {
  require_usable();
  HADAL_CHECK(!in_flight() && tokens >= 1);
  const int64_t start = state_.length;
  const int64_t end = start + tokens;
  const auto prepare = [&](std::optional<CompressorState>& compressor,
                           const std::optional<CompressorLayout>& layout) {
    if (!compressor)
      return;
    compressor->z.prepare(*pool_);
    compressor->g.prepare(*pool_);
    compressor->rows.prepare(
        *pool_, start / layout->ratio, end / layout->ratio);
  };
  try {
    for (size_t i = 0; i < state_.layers.size(); ++i) {
      LayerState& layer = state_.layers[i];
      layer.window.prepare(*pool_);
      prepare(layer.main, layout_->layers[i].main);
      prepare(layer.indexer, layout_->layers[i].indexer);
    }
    for (PositionRing& ring : state_.mtp_windows)
      ring.prepare(*pool_);
    state_.hidden.prepare(*pool_);
  } catch (...) {
    truncate_rows(state_, *layout_, start);
    throw;
  }
  end_ = end;
}

void SequenceCache::advance(int64_t length) {
  HADAL_CHECK(in_flight() && length == end_);
  for (const LayerState& layer : state_.layers) {
    HADAL_CHECK(layer.window.end() == end_);
    HADAL_CHECK(!layer.main || layer.main->z.end() == end_);
    HADAL_CHECK(!layer.indexer || layer.indexer->z.end() == end_);
  }
  state_.length = end_;
  end_ = -1;
}

bool SequenceCache::abandon() noexcept {
  if (!in_flight())
    return !poisoned_;
  end_ = -1;
  poisoned_ = !holds_length(state_, *layout_, state_.length);
  if (!poisoned_)
    truncate_state(state_, *layout_, state_.length);
  return !poisoned_;
}

WindowRing SequenceCache::window(int64_t layer) const {
  const PositionRing& ring = window_ring(layer);
  return {ring.data(), ring.capacity(), layout_->window_row};
}

PositionRing& SequenceCache::extensible_window(
    int64_t layer, int64_t first, int64_t count) {
  require_usable();
  PositionRing& ring = window_ring(layer);
  if (layer < static_cast<int64_t>(state_.layers.size()))
    HADAL_CHECK(in_flight() && first == ring.end() && first + count <= end_);
  else
    ring.prepare(*pool_);
  return ring;
}

void SequenceCache::commit_window(
    int64_t layer, int64_t first, int64_t count, const std::byte* rows) {
  PositionRing& ring = extensible_window(layer, first, count);
  ring.store(first, count, rows, ring.row_bytes());
}

RingSlots SequenceCache::extend_window(
    int64_t layer, int64_t first, int64_t count) {
  return extensible_window(layer, first, count).extend(first, count);
}

PagedRows SequenceCache::rows(int64_t layer, Compressor which) const {
  return compressor(layer, which).rows.view();
}

std::byte* SequenceCache::writable_row(
    int64_t layer, Compressor which, int64_t index) {
  const LayerLayout& sizes = layout_->layers[static_cast<size_t>(layer)];
  const int64_t ratio = static_cast<int64_t>(sizes.kind);
  HADAL_CHECK(in_flight() && index >= state_.length / ratio);
  HADAL_CHECK(index < end_ / ratio);
  return compressor(layer, which).rows.writable_row(index);
}

PoolingHistory SequenceCache::history(int64_t layer, Compressor which) const {
  const CompressorState& state = compressor(layer, which);
  return {
      floats_of(state.z.data()),
      floats_of(state.g.data()),
      state.z.capacity(),
      state.z.row_bytes() / kFloatBytes};
}

void SequenceCache::commit_history(
    int64_t layer,
    Compressor which,
    int64_t first,
    int64_t count,
    const float* z,
    const float* g,
    int64_t stride) {
  require_usable();
  HADAL_CHECK(in_flight() && first == state_.length && first + count == end_);
  CompressorState& state = compressor(layer, which);
  state.z.store(first, count, bytes_of(z), stride * kFloatBytes);
  state.g.store(first, count, bytes_of(g), stride * kFloatBytes);
}

HistorySlots SequenceCache::extend_history(
    int64_t layer, Compressor which, int64_t first, int64_t count) {
  require_usable();
  HADAL_CHECK(in_flight() && first == state_.length && first + count == end_);
  CompressorState& state = compressor(layer, which);
  return {state.z.extend(first, count), state.g.extend(first, count)};
}

// --- the next-token module

int64_t SequenceCache::mtp_length(int64_t stage) const {
  return state_.mtp_windows.at(static_cast<size_t>(stage)).end();
}

bool SequenceCache::rewind_mtp(int64_t stage, int64_t length) {
  require_usable();
  PositionRing& ring = state_.mtp_windows.at(static_cast<size_t>(stage));
  HADAL_CHECK(length >= 0 && length <= ring.end());
  if (!ring.holds(layout_->window_start(length), length))
    return false;
  ring.truncate(length);
  return true;
}

void SequenceCache::commit_hidden(
    int64_t first, int64_t count, const float* streams, int64_t stride) {
  require_usable();
  HADAL_CHECK(in_flight() && layout_->hidden_width > 0);
  HADAL_CHECK(first == state_.length && first + count == end_);
  state_.hidden.store(first, count, bytes_of(streams), stride * kFloatBytes);
}

RingSlots SequenceCache::extend_hidden(int64_t first, int64_t count) {
  require_usable();
  HADAL_CHECK(in_flight() && layout_->hidden_width > 0);
  HADAL_CHECK(first == state_.length && first + count == end_);
  return state_.hidden.extend(first, count);
}

const float* SequenceCache::hidden(int64_t position) const {
  const PositionRing& ring = state_.hidden;
  if (position < ring.begin() || position >= ring.end())
    return nullptr;
  return floats_of(ring.row(position));
}

// --- going back

int64_t SequenceCache::rewind_floor() const {
  require_usable();
  return hadal::rewind_floor(state_, *layout_);
}

bool SequenceCache::rewind(int64_t length) {
  require_usable();
  HADAL_CHECK(!in_flight() && length >= 0 && length <= state_.length);
  if (length == state_.length)
    return true;
  if (!holds_length(state_, *layout_, length))
    return false;
  truncate_state(state_, *layout_, length);
  return true;
}

Snapshot SequenceCache::snapshot(int64_t length, int64_t reach) const {
  require_usable();
  HADAL_CHECK(!in_flight() && length <= state_.length && reach >= 0);
  HADAL_CHECK(length >= rewind_floor());
  const int64_t floor = std::max(rewind_floor(), length - reach);
  return Snapshot(
      layout_, pool_, compact_state(state_, *layout_, floor, length, *pool_));
}

// --- filling kernel parameters

void SequenceCache::fill(int64_t layer, SparseAttentionParams& params) const {
  const WindowRing ring = window(layer);
  params.window = layout_->window;
  params.window_layout = ring.layout;
  params.ring = ring.rows;
  params.ring_capacity = ring.capacity;
  params.ratio = 0;
  params.compressed = {};
  if (layer >= static_cast<int64_t>(state_.layers.size()))
    return;
  const LayerLayout& sizes = layout_->layers[static_cast<size_t>(layer)];
  if (sizes.main) {
    params.ratio = sizes.main->ratio;
    params.compressed = rows(layer, Compressor::main);
  }
}

void SequenceCache::fill(int64_t layer, IndexerParams& params) const {
  params.rows = rows(layer, Compressor::indexer);
  params.ratio = layout_->layers[static_cast<size_t>(layer)].indexer->ratio;
}

void SequenceCache::fill(
    int64_t layer, Compressor which, CompressorPoolParams& params) const {
  const PoolingHistory past = history(layer, which);
  const RowLayout& row = compressor(layer, which).rows.layout();
  params.ratio =
      static_cast<int64_t>(layout_->layers[static_cast<size_t>(layer)].kind);
  params.dim = row.dim;
  params.history_z = past.z;
  params.history_g = past.g;
  params.history_capacity = past.capacity;
}

// --- looking up

const PositionRing& SequenceCache::window_ring(int64_t layer) const {
  const auto trunk = static_cast<int64_t>(state_.layers.size());
  return layer < trunk
             ? state_.layers.at(static_cast<size_t>(layer)).window
             : state_.mtp_windows.at(static_cast<size_t>(layer - trunk));
}

PositionRing& SequenceCache::window_ring(int64_t layer) {
  return const_cast<PositionRing&>(std::as_const(*this).window_ring(layer));
}

const CompressorState& SequenceCache::compressor(
    int64_t layer, Compressor which) const {
  const LayerState& state = state_.layers.at(static_cast<size_t>(layer));
  const auto& found = which == Compressor::main ? state.main : state.indexer;
  HADAL_CHECK(found.has_value());
  return *found;
}

CompressorState& SequenceCache::compressor(int64_t layer, Compressor which) {
  return const_cast<CompressorState&>(
      std::as_const(*this).compressor(layer, which));
}

// --- PassGuard

PassGuard::PassGuard(SequenceCache& cache, int64_t tokens)
    : cache_(&cache), end_(cache.length() + tokens) {
  cache.begin(tokens);
}

PassGuard::~PassGuard() {
  if (cache_ != nullptr)
    cache_->abandon();
}

PassGuard::PassGuard(PassGuard&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)), end_(other.end_) {}

void PassGuard::finish() {
  cache_->advance(end_);
  cache_ = nullptr;
}

}  // namespace hadal
