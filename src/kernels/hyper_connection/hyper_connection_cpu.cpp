// The hyper-connections on the CPU: products with the mixing matrix first (over
// tokens and rows), then everything that belongs to one token. The inner loops
// stand in stream_mix.cpp.
#include <algorithm>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/hyper_connection/hyper_connection.h"
#include "kernels/hyper_connection/stream_mix.h"
#include "kernels/work_items.h"

namespace hadal {
namespace {

constexpr int64_t ceil_div(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

// Of the calling thread, shared with the members during a call.
struct CallScratch {
  AlignedBuffer<float> fn;        // [rows, channels] unless fn is float32
  AlignedBuffer<float> products;  // [tokens, rows]
  AlignedBuffer<float> squares;   // [tokens]
  AlignedBuffer<float> pre;       // [tokens, n]
};

CallScratch& call_scratch() {
  thread_local CallScratch of_thread;
  return of_thread;
}

float* member_scratch(int64_t floats) {
  thread_local AlignedBuffer<float> of_thread;
  return of_thread.reserve(floats);
}

// Pointers to float32 rows of fn.
class MixRows {
 public:
  MixRows(const WeightView& fn, CallScratch& scratch, ThreadTeam& team)
      : view_(fn) {
    if (fn.format == WeightFormat::f32)
      return;
    widened_ = scratch.fn.reserve(fn.rows * fn.cols);
    team.parallel_for(
        fn.rows, 1, [&](int64_t begin, int64_t end, int /*member*/) {
          for (int64_t row = begin; row < end; ++row)
            dequantize_row(fn, row, widened_ + row * fn.cols);
        });
  }

  const float* row(int64_t index) const {
    if (widened_ != nullptr)
      return widened_ + index * view_.cols;
    return reinterpret_cast<const float*>(view_.data + index * view_.row_bytes);
  }

 private:
  const WeightView& view_;
  float* widened_ = nullptr;
};

constexpr int64_t kRowBlock = 32;  // rows a call of mix_products, at most

// products[t, r] = fn_r . f_t and squares[t] = f_t . f_t. Cut into groups of
// tokens and, while these are fewer than the threads, blocks of rows.
void multiply(
    const float* streams,
    int64_t tokens,
    int64_t channels,
    const WeightView& fn,
    CallScratch& scratch,
    ThreadTeam& team) {
  const int64_t rows = fn.rows;
  const MixRows mix_rows(fn, scratch, team);
  float* products = scratch.products.reserve(tokens * rows);
  float* squares = scratch.squares.reserve(tokens);

  const int64_t group =
      tokens >= kMixTokens * team.size() ? kMixTokens : int64_t{4};
  const int64_t groups = ceil_div(tokens, group);
  const int64_t wanted = std::max(
      ceil_div(rows, kRowBlock),
      groups >= team.size() ? 1 : ceil_div(team.size(), groups));
  const int64_t block = ceil_div(ceil_div(rows, wanted), 4) * 4;
  const int64_t blocks = ceil_div(rows, block);
  for_each_item(team, groups * blocks, [&](int64_t item) {
    const int64_t first = item / blocks * group;
    const int64_t first_row = item % blocks * block;
    const int64_t count = std::min(group, tokens - first);
    const int64_t row_count = std::min(block, rows - first_row);
    const float* token_pointers[kMixTokens];
    const float* row_pointers[kRowBlock];
    for (int64_t t = 0; t < count; ++t)
      token_pointers[t] = streams + (first + t) * channels;
    for (int64_t r = 0; r < row_count; ++r)
      row_pointers[r] = mix_rows.row(first_row + r);
    mix_products(
        token_pointers,
        count,
        row_pointers,
        row_count,
        channels,
        member_scratch(mix_scratch_floats(row_count)),
        products + first * rows + first_row,
        rows);
    if (first_row == 0)
      mix_squares(token_pointers, count, channels, squares + first);
  });
}

// Calls body(first, count) on groups of tokens.
template <class Body>
void for_token_groups(ThreadTeam& team, int64_t tokens, const Body& body) {
  const int64_t group =
      std::clamp<int64_t>(ceil_div(tokens, team.size()), 1, kMixTokens);
  for_each_item(team, ceil_div(tokens, group), [&](int64_t item) {
    body(item * group, std::min(group, tokens - item * group));
  });
}

}  // namespace

void hyper_connection_pre_cpu(
    const HyperConnectionPreParams& params, ThreadTeam& team) {
  if (params.tokens == 0)
    return;
  const int64_t n = params.n;
  const int64_t channels = n * params.dim;
  CallScratch& scratch = call_scratch();
  multiply(params.streams, params.tokens, channels, params.fn, scratch, team);

  const MixScales scales{
      params.base,
      params.scale,
      n,
      params.sinkhorn_iterations,
      channels,
      params.norm_eps,
      params.hc_eps};
  float* pre = scratch.pre.reserve(params.tokens * n);
  const float* products = scratch.products.data();
  const float* squares = scratch.squares.data();
  for_token_groups(team, params.tokens, [&](int64_t first, int64_t count) {
    mix_coefficients(
        scales,
        products + first * params.fn.rows,
        squares + first,
        count,
        pre + first * n,
        params.post + first * n,
        params.comb + first * n * n);
    for (int64_t t = first; t < first + count; ++t)
      mix_down(
          params.streams + t * channels,
          pre + t * n,
          n,
          params.dim,
          params.x + t * params.dim);
  });
}

void hyper_connection_head_cpu(
    const HyperConnectionHeadParams& params, ThreadTeam& team) {
  if (params.tokens == 0)
    return;
  const int64_t n = params.n;
  const int64_t channels = n * params.dim;
  CallScratch& scratch = call_scratch();
  multiply(params.streams, params.tokens, channels, params.fn, scratch, team);

  const MixScales scales{
      params.base,
      params.scale,
      n,
      0,
      channels,
      params.norm_eps,
      params.hc_eps};
  float* pre = scratch.pre.reserve(params.tokens * n);
  const float* products = scratch.products.data();
  const float* squares = scratch.squares.data();
  for_token_groups(team, params.tokens, [&](int64_t first, int64_t count) {
    mix_head_coefficients(
        scales, products + first * n, squares + first, count, pre + first * n);
    for (int64_t t = first; t < first + count; ++t)
      mix_down(
          params.streams + t * channels,
          pre + t * n,
          n,
          params.dim,
          params.x + t * params.dim);
  });
}

void hyper_connection_post_cpu(
    const HyperConnectionPostParams& params, ThreadTeam& team) {
  const int64_t n = params.n;
  const int64_t dim = params.dim;
  // Channels are independent, so few tokens can be cut, too.
  constexpr int64_t kPiece = 1024;
  const int64_t pieces =
      params.tokens >= team.size() ? 1 : ceil_div(dim, kPiece);
  const int64_t piece = pieces == 1 ? dim : kPiece;
  team.parallel_for(
      params.tokens * pieces, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t item = begin; item < end; ++item) {
          const int64_t token = item / pieces;
          const int64_t first = item % pieces * piece;
          mix_up(
              params.y + token * dim,
              params.streams + token * n * dim,
              params.post + token * n,
              params.comb + token * n * n,
              n,
              dim,
              first,
              std::min(dim, first + piece),
              params.out + token * n * dim);
        }
      });
}

}  // namespace hadal
