// A token's attention, for some or all of its heads, in three steps: scores of
// runs of slots, weights of lanes of heads, values of groups of channels. The
// parts of a step are independent of one another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/sparse_attention/attention_forms.h"
#include "kernels/sparse_attention/attention_list.h"
#include "kernels/sparse_attention/sparse_attention_params.h"

namespace hadal {

// Rows in both forms, shared by the tokens that see them.
class AttentionRows {
 public:
  void reserve(const AttentionShape& shape, int64_t slots);
  // Slots [first, first + count) from stored rows.
  void fill(
      const AttentionShape& shape,
      const RowLayout& layout,
      const std::byte* const* rows,
      int64_t first,
      int64_t count);

  const float* keys(const AttentionShape& shape, int64_t slot) {
    return keys_.data() + slot * shape.channels();
  }
  // Channel block 0 at `slot`; value_stride() to the next block.
  const float* values(int64_t slot) {
    return values_.data() + slot * kChannelBlock;
  }
  int64_t value_stride() const { return value_stride_; }

 private:
  AlignedBuffer<float> keys_;
  AlignedBuffer<float> values_;
  int64_t value_stride_ = 0;
};

// What a token's computation holds: about two numbers a head and slot.
struct AttentionScratch {
  AlignedBuffer<float> queries;
  AlignedBuffer<float> scores;
  AlignedBuffer<float> weights;
  AlignedBuffer<float> denominators;
  AlignedBuffer<float> sinks;
  AlignedBuffer<float> rotation;
};
// What a thread needs for the parts that it does.
struct AttentionThreadScratch {
  AlignedBuffer<float> turning;
  AlignedBuffer<float> keys;
  AlignedBuffer<float> values;
  AlignedBuffer<float> sums;
  AlignedBuffer<const std::byte*> rows;
};

class AttentionToken {
 public:
  // Where the rows of a part of the list lie already widened, if they do: slot
  // 0 of the part is `first_slot` of `rows`.
  struct Shared {
    AttentionRows* rows = nullptr;
    int64_t first_slot = 0;
  };

  // Heads [first_head, first_head + shape.heads). Reserves the scratch, of
  // which each call below fills a part of its own.
  AttentionToken(
      const SparseAttentionParams& params,
      const AttentionShape& shape,
      int64_t token,
      int64_t first_head,
      const Shared& window,
      const Shared& compressed,
      AttentionScratch& scratch);

  int64_t score_runs() const {
    return (list_.slots().all() + kRunSlots - 1) / kRunSlots;
  }
  int64_t weight_lanes() const { return shape_.padded_heads() / kHeadLanes; }
  int64_t value_groups() const { return shape_.channel_groups(); }

  // In this order, a call a part; each step needs all of the one before.
  void prepare_queries(AttentionThreadScratch& mine);
  void score_run(int64_t run, AttentionThreadScratch& mine);
  void weigh_lane(int64_t lane);
  void add_values(int64_t group, AttentionThreadScratch& mine);
  // All of them.
  void run(AttentionThreadScratch& mine);

 private:
  static constexpr int64_t kRunSlots = 48;
  static constexpr int64_t kGroupBlocks = kChannelGroup / kChannelBlock;

  // Slots of the window or of the compressed rows, counted over both.
  struct Part {
    bool of_window;
    int64_t first;  // in the part of the list
    int64_t count;
  };
  Part part(int64_t first, int64_t end) const;
  const RowLayout& layout(const Part& part) const;
  void list_rows(const Part& part, const std::byte** rows) const;
  void score_part(
      const Part& part, int64_t first, AttentionThreadScratch& mine);
  Part tile(int64_t first) const;
  int64_t sum_stride() const;  // of one channel block
  int64_t blocks_of(int64_t group) const;
  float* start_sums(int64_t groups, AttentionThreadScratch& mine) const;
  void add_tile(
      int64_t group,
      const Part& part,
      int64_t first,
      const std::byte* const* rows,
      float* sums,
      AttentionThreadScratch& mine);
  void finish(int64_t group, const float* sums);

  const SparseAttentionParams& params_;
  const AttentionShape& shape_;
  const int64_t offset_;  // of the first head's q and out
  const AttentionList list_;
  const Shared window_;
  const Shared compressed_;
  AttentionScratch& scratch_;
  AttentionRotation rotation_;
};

}  // namespace hadal
