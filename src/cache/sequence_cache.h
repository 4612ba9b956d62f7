// What one sequence remembers between forward passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "cache/cache_layout.h"
#include "cache/page_pool.h"
#include "cache/sequence_state.h"
#include "cache/snapshot.h"
#include "kernels/compressor_pool/compressor_pool_params.h"
#include "kernels/indexer/indexer_params.h"
#include "kernels/sparse_attention/sparse_attention_params.h"

namespace hadal {

// The pooling history of one compressor: position p lies in row p mod capacity.
struct PoolingHistory {
  const float* z = nullptr;  // [capacity, channels]
  const float* g = nullptr;
  int64_t capacity = 0;
  int64_t channels = 0;
};

// Where the values and gates of a compressor's latest tokens go.
struct HistorySlots {
  RingSlots z;  // float32 [channels] a row
  RingSlots g;
};

// A layer's window rows: position p lies in row p mod capacity.
struct WindowRing {
  const std::byte* rows = nullptr;
  int64_t capacity = 0;
  RowLayout layout;
};

// Owned by one thread. A forward pass over the chunk of tokens at positions
// [p0, p1) goes:
//
//   begin(p1 - p0)              all memory is found here, or Error(resource) is
//                               thrown and nothing has changed
//   for each layer
//     history(), rows()         pool the windows that end inside the chunk
//                               into rows p0 / ratio .. p1 / ratio - 1
//     extend_history()          after pooling: older tokens are overwritten
//     window(), rows()          attend
//     extend_window()           after attention, for the same reason
//   extend_hidden()             when the layout has an MTP stage
//   advance(p1)
//
// extend_...() takes note of the rows and says into which slots the caller, or
// a kernel, writes them; commit_...() writes them, too, where the host sees the
// memory. Window rows of the chunk stay in the caller's scratch until then.
// When the pass fails between begin and advance, abandon() returns to the old
// length if everything it needs is still there, else poisons the cache: every
// later call but reset() throws Error(internal).
//
// Pointers and views stay valid until begin, rewind or reset.
class SequenceCache {
 public:
  SequenceCache(
      std::shared_ptr<const CacheLayout> layout,
      std::shared_ptr<PagePool> pool);
  // A sequence that continues where the snapshot was taken.
  explicit SequenceCache(const Snapshot& snapshot);
  SequenceCache(SequenceCache&&) noexcept = default;
  SequenceCache& operator=(SequenceCache&&) noexcept = default;

  const CacheLayout& layout() const { return *layout_; }
  const std::shared_ptr<PagePool>& pool() const { return pool_; }
  int64_t length() const { return state_.length; }
  bool poisoned() const { return poisoned_; }
  // Between begin and advance.
  bool in_flight() const { return end_ >= 0; }

  // A second sequence with the same past. Shares all memory; what either
  // changes is copied then.
  SequenceCache fork() const;
  // Forgets everything.
  void reset();

  // --- a forward pass
  void begin(int64_t tokens);  // >= 1
  void advance(int64_t length);
  // True: the length is what it was before begin (perhaps with less reach).
  // Does nothing when no pass is in flight.
  bool abandon() noexcept;

  // `layer` counts the trunk's layers, then the MTP stages.
  WindowRing window(int64_t layer) const;
  // rows: `count` rows of the layout's window_row, one after the other, of the
  // positions from `first` on. A chunk's rows may come in pieces, in order: the
  // queries of a piece attend before it is committed. An MTP stage has its own
  // length (below) and may also be fed outside a pass.
  void commit_window(
      int64_t layer, int64_t first, int64_t count, const std::byte* rows);
  RingSlots extend_window(int64_t layer, int64_t first, int64_t count);

  // All rows written so far, and those of the chunk in flight, which kernels
  // may write. `which` must exist in the layer.
  PagedRows rows(int64_t layer, Compressor which) const;
  std::byte* writable_row(int64_t layer, Compressor which, int64_t index);
  PoolingHistory history(int64_t layer, Compressor which) const;
  // z, g: [count, stride] floats, of which the layout's channels are taken.
  void commit_history(
      int64_t layer,
      Compressor which,
      int64_t first,
      int64_t count,
      const float* z,
      const float* g,
      int64_t stride);
  HistorySlots extend_history(
      int64_t layer, Compressor which, int64_t first, int64_t count);

  // --- the next-token module (layouts with mtp_stages > 0)
  // The stage's window rows [0, mtp_length) are held as far as its window
  // reaches. Row i belongs to (state of position i, token i + 1), so at most
  // length() - 1 rows are based on fed tokens; drafts may go rewind_tokens
  // further and are cut by rewind_mtp.
  int64_t mtp_length(int64_t stage) const;
  // False (nothing changed) when the rows needed there are gone.
  bool rewind_mtp(int64_t stage, int64_t length);
  // streams: [count, stride] floats, the trunk's residual streams after its
  // last layer, of the positions from `first` on.
  void commit_hidden(
      int64_t first, int64_t count, const float* streams, int64_t stride);
  RingSlots extend_hidden(int64_t first, int64_t count);
  // The streams of `position` [hidden_width], or null when they are gone. The
  // last rewind_tokens + 1 positions are held.
  const float* hidden(int64_t position) const;

  // --- going back
  // The shortest length that rewind can reach: at most length - rewind_tokens
  // once that many tokens were fed after a fresh start, a restored snapshot or
  // a rewind.
  int64_t rewind_floor() const;
  // Forgets the tokens from `length` on, exactly: what follows is as if they
  // had never been fed. False (nothing changed) when that state is gone.
  bool rewind(int64_t length);
  // The state at `length`, which can itself be cut back by `reach` tokens (or
  // as far as rewind_floor allows). rewind_floor() <= length <= length().
  Snapshot snapshot(int64_t length, int64_t reach = 0) const;
  Snapshot snapshot() const { return snapshot(length()); }

  // --- filling kernel parameters
  // The cache's fields of each struct; the caller sets the others.
  void fill(int64_t layer, SparseAttentionParams& params) const;
  void fill(int64_t layer, IndexerParams& params) const;
  void fill(
      int64_t layer, Compressor which, CompressorPoolParams& params) const;

 private:
  SequenceCache(
      std::shared_ptr<const CacheLayout> layout,
      std::shared_ptr<PagePool> pool,
      SequenceState state);
  void require_usable() const;
  PositionRing& extensible_window(int64_t layer, int64_t first, int64_t count);
  const PositionRing& window_ring(int64_t layer) const;
  PositionRing& window_ring(int64_t layer);
  const CompressorState& compressor(int64_t layer, Compressor which) const;
  CompressorState& compressor(int64_t layer, Compressor which);

  std::shared_ptr<const CacheLayout> layout_;
  std::shared_ptr<PagePool> pool_;
  SequenceState state_;
  int64_t end_ = -1;  // of the chunk in flight
  bool poisoned_ = false;
};

// Abandons the pass when it is left before finish().
class PassGuard {
 public:
  // Calls begin(tokens).
  PassGuard(SequenceCache& cache, int64_t tokens);
  ~PassGuard();
  PassGuard(PassGuard&& other) noexcept;
  PassGuard& operator=(PassGuard&&) = delete;
  // Calls advance(old length + tokens).
  void finish();

 private:
  SequenceCache* cache_;
  int64_t end_;
};

}  // namespace hadal
