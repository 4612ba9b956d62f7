#include "kernels/sparse_attention/attention_token.h"

#include <limits>

#include "kernels/rotary/rotate_heads.h"

namespace hadal {
namespace {

// From one channel block to the next: off the power of two, so that the blocks
// of a slot spread over the cache's sets.
constexpr int64_t stride_of(int64_t slots) {
  return (slots + 1) * kChannelBlock;
}

// All channels of stored rows to keys.
void widen_keys(
    const AttentionShape& shape,
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    float* keys) {
  for (int64_t group = 0; group < shape.channel_groups(); ++group)
    attention_rows(
        shape,
        layout,
        rows,
        count,
        group,
        shape.channels(),
        kChannelBlock,
        keys + group * kChannelGroup);
}

}  // namespace

void AttentionRows::reserve(const AttentionShape& shape, int64_t slots) {
  value_stride_ = stride_of(slots);
  keys_.reserve(slots * shape.channels());
  values_.reserve(shape.channel_blocks() * value_stride_);
}

void AttentionRows::fill(
    const AttentionShape& shape,
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t first,
    int64_t count) {
  widen_keys(
      shape, layout, rows, count, keys_.data() + first * shape.channels());
  constexpr int64_t kBlocks = kChannelGroup / kChannelBlock;
  for (int64_t group = 0; group < shape.channel_groups(); ++group)
    attention_rows(
        shape,
        layout,
        rows,
        count,
        group,
        kChannelBlock,
        value_stride_,
        values_.data() + group * kBlocks * value_stride_ +
            first * kChannelBlock);
}

AttentionToken::AttentionToken(
    const SparseAttentionParams& params,
    const AttentionShape& shape,
    int64_t token,
    int64_t first_head,
    const Shared& window,
    const Shared& compressed,
    AttentionScratch& scratch)
    : params_(params),
      shape_(shape),
      offset_((token * params.heads + first_head) * params.dim),
      list_(params, token),
      window_(window),
      compressed_(compressed),
      scratch_(scratch) {
  const int64_t heads = shape.padded_heads();
  const int64_t slots = list_.slots().all();
  scratch_.queries.reserve(heads * shape.channels());
  scratch_.scores.reserve(heads * slots);
  scratch_.weights.reserve(heads * slots);
  scratch_.denominators.reserve(heads);
  float* const sinks = scratch_.sinks.reserve(heads);
  std::copy_n(params.sink + first_head, shape.heads, sinks);
  std::fill(sinks + shape.heads, sinks + heads, 0.0f);

  rotation_.channels = params.output_rotary;
  if (rotation_.channels > 0) {
    float* const cosines = scratch_.rotation.reserve(2 * rotation_.channels);
    float* const sines = cosines + rotation_.channels;
    rotary_factors(
        static_cast<float>(params.first_position + token),
        params.output_frequencies,
        rotation_.channels / 2,
        true,
        cosines,
        sines);
    rotation_.cosines = cosines;
    rotation_.sines = sines;
  }
}

// The slots from `first` on, up to `end` or to the end of the window.
AttentionToken::Part AttentionToken::part(int64_t first, int64_t end) const {
  const int64_t window = list_.slots().window;
  if (first < window)
    return {true, first, std::min(end, window) - first};
  return {false, first - window, end - first};
}

const RowLayout& AttentionToken::layout(const Part& part) const {
  return part.of_window ? params_.window_layout : params_.compressed.layout;
}

void AttentionToken::list_rows(const Part& part, const std::byte** rows) const {
  for (int64_t i = 0; i < part.count; ++i)
    rows[i] = part.of_window ? list_.window_row(part.first + i)
                             : list_.compressed_row(part.first + i);
}

void AttentionToken::prepare_queries(AttentionThreadScratch& mine) {
  attention_queries(
      shape_,
      params_.q + offset_,
      mine.turning.reserve(query_scratch_floats(shape_)),
      scratch_.queries.data());
}

void AttentionToken::score_run(int64_t run, AttentionThreadScratch& mine) {
  const int64_t end = std::min((run + 1) * kRunSlots, list_.slots().all());
  for (int64_t first = run * kRunSlots; first < end;) {
    const Part slots = part(first, end);
    score_part(slots, first, mine);
    first += slots.count;
  }
}

void AttentionToken::score_part(
    const Part& part, int64_t first, AttentionThreadScratch& mine) {
  const Shared& shared = part.of_window ? window_ : compressed_;
  const float* keys = nullptr;
  if (shared.rows != nullptr) {
    keys = shared.rows->keys(shape_, shared.first_slot + part.first);
  } else {
    const std::byte* rows[kRunSlots];
    list_rows(part, rows);
    float* const own = mine.keys.reserve(kRunSlots * shape_.channels());
    widen_keys(shape_, layout(part), rows, part.count, own);
    keys = own;
  }
  const int64_t heads = shape_.padded_heads();
  float* const scores = scratch_.scores.data() + first * heads;
  attention_scores(
      shape_, scratch_.queries.data(), keys, part.count, params_.scale, scores);
}

void AttentionToken::weigh_lane(int64_t lane) {
  attention_weights(
      shape_,
      list_.slots(),
      lane,
      scratch_.scores.data(),
      scratch_.sinks.data(),
      scratch_.weights.data(),
      scratch_.denominators.data());
}

// The window is one partial sum, every kTileSlots compressed slots another.
AttentionToken::Part AttentionToken::tile(int64_t first) const {
  const AttentionSlots& slots = list_.slots();
  return part(
      first,
      first < slots.window ? slots.window
                           : std::min(slots.all(), first + kTileSlots));
}

int64_t AttentionToken::sum_stride() const {
  return shape_.padded_heads() * kChannelBlock;
}

int64_t AttentionToken::blocks_of(int64_t group) const {
  return std::min(kGroupBlocks, shape_.channel_blocks() - group * kGroupBlocks);
}

float* AttentionToken::start_sums(
    int64_t groups, AttentionThreadScratch& mine) const {
  const int64_t count = groups * kGroupBlocks * sum_stride();
  float* const sums = mine.sums.reserve(count);
  std::fill_n(sums, count, 0.0f);
  return sums;
}

// The tile `part`, from slot `first` of both parts on.
void AttentionToken::add_tile(
    int64_t group,
    const Part& part,
    int64_t first,
    const std::byte* const* rows,
    float* sums,
    AttentionThreadScratch& mine) {
  const Shared& shared = part.of_window ? window_ : compressed_;
  const float* values = nullptr;
  int64_t value_stride = 0;
  if (shared.rows != nullptr) {
    value_stride = shared.rows->value_stride();
    values = shared.rows->values(shared.first_slot + part.first) +
             group * kGroupBlocks * value_stride;
  } else {
    value_stride = stride_of(part.count);
    float* const own = mine.values.reserve(kGroupBlocks * value_stride);
    attention_rows(
        shape_,
        layout(part),
        rows,
        part.count,
        group,
        kChannelBlock,
        value_stride,
        own);
    values = own;
  }
  for (int64_t block = 0; block < blocks_of(group); ++block)
    attention_add(
        shape_,
        values + block * value_stride,
        scratch_.weights.data() + first * kHeadBlock,
        list_.slots().all() * kHeadBlock,
        part.count,
        sums + block * sum_stride());
}

void AttentionToken::finish(int64_t group, const float* sums) {
  for (int64_t block = 0; block < blocks_of(group); ++block)
    attention_finish(
        shape_,
        sums + block * sum_stride(),
        scratch_.denominators.data(),
        rotation_,
        group * kGroupBlocks + block,
        params_.out + offset_);
}

void AttentionToken::add_values(int64_t group, AttentionThreadScratch& mine) {
  float* const sums = start_sums(1, mine);
  for (int64_t first = 0; first < list_.slots().all();) {
    const Part slots = tile(first);
    const std::byte** const rows = mine.rows.reserve(slots.count);
    list_rows(slots, rows);
    add_tile(group, slots, first, rows, sums, mine);
    first += slots.count;
  }
  finish(group, sums);
}

// Tile by tile, so that a tile's rows are read from memory once.
void AttentionToken::run(AttentionThreadScratch& mine) {
  prepare_queries(mine);
  for (int64_t i = 0; i < score_runs(); ++i)
    score_run(i, mine);
  for (int64_t lane = 0; lane < weight_lanes(); ++lane)
    weigh_lane(lane);
  const int64_t group_sums = kGroupBlocks * sum_stride();
  float* const sums = start_sums(value_groups(), mine);
  for (int64_t first = 0; first < list_.slots().all();) {
    const Part slots = tile(first);
    const std::byte** const rows = mine.rows.reserve(slots.count);
    list_rows(slots, rows);
    for (int64_t group = 0; group < value_groups(); ++group)
      add_tile(group, slots, first, rows, sums + group * group_sums, mine);
    first += slots.count;
  }
  for (int64_t group = 0; group < value_groups(); ++group)
    finish(group, sums + group * group_sums);
}

}  // namespace hadal
