// The inputs of the attention cases, and a backend's attention against the
// reference on them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "kernels/case_tools.h"
#include "kernels/random_weight.h"
#include "kernels/rotary/rotary.h"
#include "kernels/sparse_attention/sparse_attention.h"
#include "kernels/sparse_attention/sparse_attention_cases.h"

namespace hadal {
namespace {

constexpr int64_t kRowsPerPage = 16;
constexpr int64_t kSpareSlots = 5;  // the ring is larger than the window

// Rows about positions [first, first + count), each from its own seed.
std::vector<std::byte> encoded_rows(
    const RowLayout& layout, int64_t first, int64_t count, uint64_t seed) {
  std::vector<std::byte> rows(count * layout.row_bytes());
  for (int64_t i = 0; i < count; ++i) {
    const std::vector<float> values =
        random_values(layout.dim, seed + static_cast<uint64_t>(first + i));
    encode_row(layout, values.data(), rows.data() + i * layout.row_bytes());
  }
  return rows;
}

// `count` different rows below `visible`, increasing.
std::vector<int32_t> pick_rows(int64_t count, int64_t visible, uint64_t seed) {
  RandomNumbers random(seed);
  std::vector<int32_t> rows;
  for (int64_t row = 0; row < visible; ++row) {
    const int64_t missing = count - static_cast<int64_t>(rows.size());
    const uint64_t left = static_cast<uint64_t>(visible - row);
    if (static_cast<int64_t>(random.bits() % left) < missing)
      rows.push_back(static_cast<int32_t>(row));
  }
  return rows;
}

std::vector<float> attend(
    SparseAttentionInputs& inputs,
    void (*attention)(const SparseAttentionParams&, ThreadTeam&),
    ThreadTeam& team) {
  const SparseAttentionCase& shape = inputs.shape();
  std::vector<float> out(shape.tokens * shape.heads * shape.dim);
  attention(inputs.chunk(0, shape.tokens, out.data()), team);
  return out;
}

}  // namespace

SparseAttentionInputs::SparseAttentionInputs(const SparseAttentionCase& shape)
    : shape_(shape),
      window_layout_{shape.window_format, shape.dim, shape.rotary},
      compressed_layout_{shape.compressed_format, shape.dim, shape.rotary} {
  const int64_t end = shape.first_position + shape.tokens;
  oldest_ = std::max<int64_t>(0, shape.first_position - shape.window + 1);
  window_rows_ = encoded_rows(window_layout_, oldest_, end - oldest_, 1000);

  const int64_t rows = shape.ratio == 0 ? 0 : end / shape.ratio;
  compressed_rows_ = encoded_rows(compressed_layout_, 0, rows, 2000000);
  for (int64_t row = 0; row < rows; row += kRowsPerPage)
    pages_.push_back(
        compressed_rows_.data() + row * compressed_layout_.row_bytes());

  q_ = random_values(shape.tokens * shape.heads * shape.dim, 3);
  sinks_ = random_values(shape.heads, 4, 0.1f);
  for (float& sink : sinks_)
    sink += shape.sink;
  frequencies_ = rotary_frequencies(10000.0, shape.rotary);

  selected_.assign(shape.tokens * shape.top_k, -1);
  counts_.assign(shape.tokens, 0);
  for (int64_t t = 0; t < shape.tokens && shape.top_k > 0; ++t) {
    const int64_t visible = (shape.first_position + t + 1) / shape.ratio;
    const std::vector<int32_t> picked = pick_rows(
        std::min(shape.top_k, visible), visible, 5 + static_cast<uint64_t>(t));
    std::copy(
        picked.begin(), picked.end(), selected_.begin() + t * shape.top_k);
    counts_[t] = static_cast<int32_t>(picked.size());
  }
}

SparseAttentionParams SparseAttentionInputs::chunk(
    int64_t first, int64_t count, float* out) {
  const int64_t bytes = window_layout_.row_bytes();
  const int64_t capacity = shape_.window + kSpareSlots;
  const int64_t start = shape_.first_position + first;
  ring_.assign(capacity * bytes, std::byte{0xFF});  // NaN in every format
  for (int64_t p = std::max(oldest_, start - capacity); p < start; ++p)
    std::copy_n(
        window_rows_.begin() + (p - oldest_) * bytes,
        bytes,
        ring_.begin() + p % capacity * bytes);

  SparseAttentionParams params;
  params.q = q_.data() + first * shape_.heads * shape_.dim;
  params.out = out;
  params.tokens = count;
  params.heads = shape_.heads;
  params.dim = shape_.dim;
  params.first_position = start;
  params.window = shape_.window;
  params.sink = sinks_.data();
  params.scale = 1.0f / std::sqrt(static_cast<float>(shape_.dim));
  params.window_layout = window_layout_;
  params.chunk_rows = window_rows_.data() + (start - oldest_) * bytes;
  params.ring = ring_.data();
  params.ring_capacity = capacity;
  params.ratio = shape_.ratio;
  params.output_rotary = shape_.rotary;
  params.output_frequencies = frequencies_.data();
  params.compressed = {pages_.data(), kRowsPerPage, compressed_layout_};
  if (shape_.top_k > 0) {
    params.selected = selected_.data() + first * shape_.top_k;
    params.selected_stride = shape_.top_k;
    params.counts = counts_.data() + first;
  }
  return params;
}

void check_sparse_attention(
    const Backend& backend, ThreadTeam& team, std::vector<KernelCheck>& out) {
  for (const SparseAttentionCase& shape : kSparseAttentionCases) {
    SparseAttentionInputs inputs(shape);
    out.push_back(check_case(
        "sparse_attention",
        shape.name,
        kSparseAttentionFloor,
        kSparseAttentionTolerance,
        [&] { return attend(inputs, sparse_attention_reference, team); },
        [&] { return attend(inputs, backend.sparse_attention, team); }));
  }
}

}  // namespace hadal
