// Attention on the CPU: groups of neighbouring tokens share the widened window,
// the inner loops stand in attention_tile.cpp.
//
// A token is done in two passes over its key list, scores then values, with the
// exact maximum between them. Compressed rows are widened once a group while
// they fit in the cache, else tile by tile in each pass.
#include <algorithm>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/sparse_attention/attention_tile.h"
#include "kernels/sparse_attention/sparse_attention.h"
#include "kernels/work_items.h"

namespace hadal {
namespace {

// Compressed rows that a group keeps widened: at most this many floats, half of
// a usual second-level cache.
constexpr int64_t kKeptFloats = 128 * 1024;
// Queries that pay for widening a row once.
constexpr int64_t kGroupQueries = 64;
constexpr int64_t kGroupTokens = 8;

constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// How the call is cut into items: groups of tokens times blocks of heads.
struct Plan {
  int64_t channels = 0;  // dim, rounded up
  int64_t stride = 0;    // floats from one widened row to the next
  int64_t group_tokens = 1;
  int64_t groups = 0;
  int64_t block_heads = 0;
  int64_t blocks = 1;
};

Plan make_plan(const SparseAttentionParams& params, int threads) {
  Plan plan;
  plan.channels = round_up(params.dim, kAttentionChannels);
  // Off the power of two: rows of a tile then spread over the cache's sets.
  plan.stride = plan.channels + 16;
  plan.group_tokens =
      std::clamp<int64_t>(kGroupQueries / params.heads, 1, kGroupTokens);
  plan.group_tokens = std::min(
      plan.group_tokens, std::max<int64_t>(1, params.tokens / threads));
  plan.groups = (params.tokens + plan.group_tokens - 1) / plan.group_tokens;
  if (threads > 1 && plan.groups < 2 * threads)
    plan.blocks = std::min(
        (params.heads + 3) / 4, (2 * threads + plan.groups - 1) / plan.groups);
  plan.block_heads =
      round_up((params.heads + plan.blocks - 1) / plan.blocks, 4);
  plan.blocks = (params.heads + plan.block_heads - 1) / plan.block_heads;
  return plan;
}

struct Scratch {
  AlignedBuffer<float> window;      // [window + group - 1, stride]
  AlignedBuffer<float> compressed;  // kept rows, or one tile
  AlignedBuffer<float> scores;      // [heads, pitch]
  AlignedBuffer<float> denominators;
  AlignedBuffer<float> q;    // padded copies, when dim is not a multiple of
  AlignedBuffer<float> out;  // the tile's channels
  AlignedBuffer<const std::byte*> stored;  // rows to widen
  AlignedBuffer<const float*> keys;        // of one token
  AlignedBuffer<const float*> tile_keys;
};

Scratch& scratch() {
  thread_local Scratch of_thread;
  return of_thread;
}

int64_t visible_rows(const SparseAttentionParams& params, int64_t token) {
  if (params.selected != nullptr)
    return params.counts[token];
  if (params.ratio == 0)
    return 0;
  return (params.first_position + token + 1) / params.ratio;
}

const std::byte* compressed_row(
    const SparseAttentionParams& params, int64_t token, int64_t index) {
  const PagedRows& rows = params.compressed;
  const int64_t row =
      params.selected != nullptr
          ? params.selected[token * params.selected_stride + index]
          : index;
  return rows.pages[row / rows.rows_per_page] +
         row % rows.rows_per_page * rows.layout.row_bytes();
}

const std::byte* window_row(
    const SparseAttentionParams& params, int64_t position) {
  const int64_t bytes = params.window_layout.row_bytes();
  if (position >= params.first_position)
    return params.chunk_rows + (position - params.first_position) * bytes;
  return params.ring + position % params.ring_capacity * bytes;
}

// The tokens [first, first + count) with the heads [head, head + heads).
class Group {
 public:
  Group(
      const SparseAttentionParams& params,
      const Plan& plan,
      int64_t first,
      int64_t count,
      int64_t head,
      int64_t heads)
      : params_(params),
        plan_(plan),
        scratch_(scratch()),
        first_(first),
        count_(count),
        head_(head),
        heads_(heads) {}

  void run() {
    widen_window();
    keep_compressed();
    int64_t kept_before = 0;
    for (int64_t token = first_; token < first_ + count_; ++token) {
      list_keys(token, kept_before);
      attend(token);
      if (params_.selected != nullptr)
        kept_before += visible_rows(params_, token);
    }
  }

 private:
  // Is a row of this layout usable where it lies?
  bool in_place(const RowLayout& layout) const {
    return layout.format == RowFormat::f32 && params_.dim == plan_.channels;
  }

  void widen_window() {
    const int64_t last = params_.first_position + first_ + count_ - 1;
    window_start_ = std::max<int64_t>(
        0, params_.first_position + first_ - params_.window + 1);
    const int64_t rows = last - window_start_ + 1;
    const std::byte** stored = scratch_.stored.reserve(rows);
    for (int64_t i = 0; i < rows; ++i)
      stored[i] = window_row(params_, window_start_ + i);
    if (!in_place(params_.window_layout))
      attention_widen(
          params_.window_layout,
          stored,
          rows,
          plan_.channels,
          scratch_.window.reserve(rows * plan_.stride),
          plan_.stride);
  }

  // With a selection every token has rows of its own; without one, all share
  // the rows of the last token.
  void keep_compressed() {
    int64_t rows = 0;
    const bool shared = params_.selected == nullptr;
    for (int64_t t = shared ? count_ - 1 : 0; t < count_; ++t)
      rows += visible_rows(params_, first_ + t);
    kept_ = !in_place(params_.compressed.layout) &&
            rows * plan_.stride <= kKeptFloats;
    if (!kept_ || rows == 0)
      return;
    const std::byte** stored = scratch_.stored.reserve(rows);
    for (int64_t t = shared ? count_ - 1 : 0; t < count_; ++t) {
      const int64_t visible = visible_rows(params_, first_ + t);
      for (int64_t i = 0; i < visible; ++i)
        *stored++ = compressed_row(params_, first_ + t, i);
    }
    attention_widen(
        params_.compressed.layout,
        scratch_.stored.data(),
        rows,
        plan_.channels,
        scratch_.compressed.reserve(rows * plan_.stride),
        plan_.stride);
  }

  // The token's whole list; entries of compressed rows stay empty when they are
  // widened tile by tile.
  void list_keys(int64_t token, int64_t kept_before) {
    const int64_t p = params_.first_position + token;
    const int64_t start = std::max<int64_t>(0, p - params_.window + 1);
    window_keys_ = p - start + 1;
    keys_ = window_keys_ + visible_rows(params_, token);
    const float** keys = scratch_.keys.reserve(keys_);
    for (int64_t i = 0; i < window_keys_; ++i)
      keys[i] =
          in_place(params_.window_layout)
              ? reinterpret_cast<const float*>(window_row(params_, start + i))
              : scratch_.window.data() +
                    (start + i - window_start_) * plan_.stride;
    for (int64_t i = 0; i < keys_ - window_keys_; ++i) {
      const float* key = nullptr;
      if (kept_)
        key = scratch_.compressed.data() + (kept_before + i) * plan_.stride;
      else if (in_place(params_.compressed.layout))
        key = reinterpret_cast<const float*>(compressed_row(params_, token, i));
      keys[window_keys_ + i] = key;
    }
  }

  // Keys [first, first + count) of the token's list, all widened.
  const float* const* tile(int64_t token, int64_t first, int64_t count) {
    const float* const* keys = scratch_.keys.data() + first;
    if (keys[count - 1] != nullptr)
      return keys;
    const int64_t of_window =
        std::clamp<int64_t>(window_keys_ - first, 0, count);
    const float** tile_keys = scratch_.tile_keys.reserve(kAttentionTile);
    const std::byte** stored = scratch_.stored.reserve(kAttentionTile);
    float* rows = scratch_.compressed.reserve(kAttentionTile * plan_.stride);
    std::copy_n(keys, of_window, tile_keys);
    for (int64_t i = of_window; i < count; ++i) {
      stored[i - of_window] =
          compressed_row(params_, token, first + i - window_keys_);
      tile_keys[i] = rows + (i - of_window) * plan_.stride;
    }
    attention_widen(
        params_.compressed.layout,
        stored,
        count - of_window,
        plan_.channels,
        rows,
        plan_.stride);
    return tile_keys;
  }

  void attend(int64_t token) {
    const int64_t channels = plan_.channels;
    const int64_t offset = (token * params_.heads + head_) * params_.dim;
    const float* q = params_.q + offset;
    float* out = params_.out + offset;
    if (channels != params_.dim) {
      q = padded_queries(q);
      out = scratch_.out.reserve(heads_ * channels);
    }

    const int64_t pitch = round_up(keys_, 16);
    float* scores = scratch_.scores.reserve(heads_ * pitch);
    float* denominators = scratch_.denominators.reserve(heads_);
    for (int64_t j = 0; j < keys_; j += kAttentionTile) {
      const int64_t count = std::min(kAttentionTile, keys_ - j);
      attention_scores(
          q,
          channels,
          heads_,
          tile(token, j, count),
          count,
          channels,
          params_.scale,
          scores + j,
          pitch);
    }
    attention_weights(
        scores, pitch, heads_, keys_, params_.sink + head_, denominators);
    for (int64_t j = 0; j < keys_; j += kAttentionTile) {
      const int64_t count = std::min(kAttentionTile, keys_ - j);
      attention_values(
          scores + j,
          pitch,
          heads_,
          tile(token, j, count),
          count,
          channels,
          j == 0,
          out,
          channels);
    }
    attention_divide(denominators, heads_, channels, out, channels);
    if (channels != params_.dim)
      for (int64_t h = 0; h < heads_; ++h)
        std::copy_n(
            out + h * channels,
            params_.dim,
            params_.out + offset + h * params_.dim);
  }

  const float* padded_queries(const float* q) {
    float* padded = scratch_.q.reserve(heads_ * plan_.channels);
    for (int64_t h = 0; h < heads_; ++h) {
      float* row = padded + h * plan_.channels;
      std::copy_n(q + h * params_.dim, params_.dim, row);
      std::fill(row + params_.dim, row + plan_.channels, 0.0f);
    }
    return padded;
  }

  const SparseAttentionParams& params_;
  const Plan& plan_;
  Scratch& scratch_;
  const int64_t first_;
  const int64_t count_;
  const int64_t head_;
  const int64_t heads_;
  int64_t window_start_ = 0;  // position of the first widened window row
  bool kept_ = false;         // compressed rows are widened for the group
  int64_t window_keys_ = 0;   // of the current token
  int64_t keys_ = 0;
};

}  // namespace

void sparse_attention_cpu(
    const SparseAttentionParams& params, ThreadTeam& team) {
  if (params.tokens == 0)
    return;
  const Plan plan = make_plan(params, team.size());
  for_each_item(team, plan.groups * plan.blocks, [&](int64_t item) {
    const int64_t first = item / plan.blocks * plan.group_tokens;
    const int64_t head = item % plan.blocks * plan.block_heads;
    Group(
        params,
        plan,
        first,
        std::min(plan.group_tokens, params.tokens - first),
        head,
        std::min(plan.block_heads, params.heads - head))
        .run();
  });
}

}  // namespace hadal
