// The keys of one token, as slots (attention_forms.h), and where their rows
// lie.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/sparse_attention/attention_forms.h"
#include "kernels/sparse_attention/sparse_attention_params.h"

namespace hadal {

class AttentionList {
 public:
  AttentionList(const SparseAttentionParams& params, int64_t token)
      : params_(params), token_(token) {
    const int64_t p = params.first_position + token;
    start_ = std::max<int64_t>(0, p - params.window + 1);
    slots_.window = p - start_ + 1;
    slots_.compressed = visible_rows();
  }

  const AttentionSlots& slots() const { return slots_; }
  // Position of the first window slot.
  int64_t start() const { return start_; }

  const std::byte* window_row(int64_t slot) const {
    const int64_t position = start_ + slot;
    const int64_t bytes = params_.window_layout.row_bytes();
    if (position >= params_.first_position)
      return params_.chunk_rows + (position - params_.first_position) * bytes;
    return params_.ring + position % params_.ring_capacity * bytes;
  }
  const std::byte* compressed_row(int64_t slot) const {
    const PagedRows& rows = params_.compressed;
    const int64_t row =
        params_.selected != nullptr
            ? params_.selected[token_ * params_.selected_stride + slot]
            : slot;
    return rows.pages[row / rows.rows_per_page] +
           row % rows.rows_per_page * rows.layout.row_bytes();
  }

 private:
  int64_t visible_rows() const {
    if (params_.selected != nullptr)
      return params_.counts[token_];
    if (params_.ratio == 0)
      return 0;
    return (params_.first_position + token_ + 1) / params_.ratio;
  }

  const SparseAttentionParams& params_;
  const int64_t token_;
  int64_t start_ = 0;
  AttentionSlots slots_;
};

}  // namespace hadal
