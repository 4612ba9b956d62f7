// The kernels of the attention: one that sums over tiles of keys, and one that
// adds up what blocks of the first left.
#pragma once

#include "kernels/cuda/wait.cuh"
#include "kernels/sparse_attention/attention_span.cuh"

namespace hadal::cuda {

// All sequences of a call. `places`: of all tokens; null where every sequence
// has one token.
struct AttentionCall {
  const SparseAttentionParams* sequences;
  const TokenPlace* places;
};

// Partial sums [tokens, spans, heads] of a call.
struct PartialSums {
  float* values;     // [..., dim]
  SoftmaxSum* sums;  // [...]
  int spans;

  __device__ int64_t
  at(const SparseAttentionParams& params,
     int64_t row,
     int span,
     int head) const {
    return (row * spans + span) * params.heads + head;
  }
};

__device__ inline TokenPlace place_of(const AttentionCall& call, int row) {
  return call.places == nullptr ? TokenPlace{row, 0} : call.places[row];
}

// A sequence's parameters in shared memory; the whole block copies them.
class SharedParams {
 public:
  __device__ const SparseAttentionParams& copy(
      const SparseAttentionParams& from) {
    constexpr int kWords = sizeof(SparseAttentionParams) / 4;
    if (threadIdx.x < kWords)
      reinterpret_cast<uint32_t*>(bytes_)[threadIdx.x] =
          reinterpret_cast<const uint32_t*>(&from)[threadIdx.x];
    __syncthreads();
    return *reinterpret_cast<const SparseAttentionParams*>(bytes_);
  }

 private:
  alignas(16) std::byte bytes_[sizeof(SparseAttentionParams)];
};

// Grid: tokens, groups of heads, spans (1 with kFold). With kFold the block
// writes the token's output, else a span's partial sums.
template <int kTiles, int kKeys, int kParts, bool kFold>
__global__ void __launch_bounds__(kAttentionThreads, 1) attention_kernel(
    AttentionCall call,
    AttentionRoom<kTiles, kKeys, kParts> room,
    PartialSums partial) {
  using Block = AttentionBlock<kTiles, kKeys, kParts>;
  extern __shared__ __align__(16) std::byte memory[];
  __shared__ SharedParams shared_params;
  __shared__ const std::byte* rows[kKeys];
  __shared__ FoldFactors factors[Block::Room::kHeads];
  const auto row = static_cast<int>(blockIdx.x);
  const TokenPlace place = place_of(call, row);
  const SparseAttentionParams& params =
      shared_params.copy(call.sequences[place.sequence]);
  wait_for_predecessor();
  let_successor_start();
  const KeyList list = key_list(params, place.token, kKeys);
  const int first_head = static_cast<int>(blockIdx.y) * Block::Room::kHeads;
  const auto span = static_cast<int>(blockIdx.z);
  const int first = kFold ? 0 : list.first_tile(span);
  const int end = kFold ? list.tiles : list.first_tile(span + 1);
  if (first_head >= params.heads || (!kFold && span >= list.spans()))
    return;
  Block block{
      {memory, room, params, list, place.token, first_head, rows}, factors};

  block.find_rows(first);
  __syncthreads();
  block.copy_rows(first);
  block.load_queries();
  block.clear_padding();
  block.start_span();
  SoftmaxSum total;
  const int my_head = static_cast<int>(threadIdx.x) / 16;
  const bool tells = threadIdx.x % 16 == 0 && my_head < Block::Room::kHeads;
  float values[kTiles][Block::kGroups][2][4] = {};
  // All have read the first tile's `rows` before the next one's are written.
  __syncthreads();
  for (int tile = first; tile < end; ++tile) {
    if (tile + 1 < end)
      block.find_rows(tile + 1);
    wait_for_copies();
    __syncthreads();
    block.widen_rows(tile);
    __syncthreads();
    if (tile + 1 < end)
      block.copy_rows(tile + 1);
    block.score();
    __syncthreads();
    block.weigh(tile);
    __syncthreads();
    block.add_values();
    if (!kFold || !list.ends_span(tile))
      continue;
    __syncthreads();
    const FoldFactors mine = fold(total, block.span);
    if (tells)
      factors[my_head] = mine;
    __syncthreads();
    block.for_each_pair(
        [&](int r, int row8, int group, int half, int head, int) {
#pragma unroll
          for (int i = 2 * row8; i < 2 * row8 + 2; ++i)
            values[r][group][half][i] = fold_value(
                values[r][group][half][i],
                block.values[r][group][half][i],
                factors[head]);
        });
    block.start_span();
  }

  const int dim = static_cast<int>(params.dim);
  if constexpr (kFold) {
    __syncthreads();
    const int plain = dim - static_cast<int>(params.output_rotary);
    auto* const turns = reinterpret_cast<float2*>(memory);  // queries are done
    for (int i = threadIdx.x; i < (dim - plain) / 2; i += kAttentionThreads)
      turns[i] = turn_of(
          static_cast<float>(list.position), params.output_frequencies, i);
    if (tells && first_head + my_head < params.heads)
      factors[my_head].total =
          output_factor(total, params.sink[first_head + my_head]);
    __syncthreads();
    float* const out =
        params.out + (place.token * params.heads + first_head) * dim;
    block.for_each_pair(
        [&](int r, int row8, int group, int half, int head, int channel) {
          const float factor = factors[head].total;
          float2 pair = {
              values[r][group][half][2 * row8] * factor,
              values[r][group][half][2 * row8 + 1] * factor};
          if (channel >= plain)
            pair = turn_back(pair, turns[(channel - plain) / 2]);
          *reinterpret_cast<float2*>(out + head * dim + channel) = pair;
        });
  } else {
    const int64_t at = partial.at(params, row, span, first_head);
    if (tells && first_head + my_head < params.heads)
      partial.sums[at + my_head] = block.span;
    float* const out = partial.values + at * dim;
    block.for_each_pair(
        [&](int r, int row8, int group, int half, int head, int channel) {
          *reinterpret_cast<float2*>(out + head * dim + channel) = {
              block.values[r][group][half][2 * row8],
              block.values[r][group][half][2 * row8 + 1]};
        });
  }
}

// Grid: tokens, heads. A thread adds up the spans of two channels.
__global__ void __launch_bounds__(kMostDim / 2) add_spans_kernel(
    AttentionCall call, PartialSums partial, int keys_per_tile) {
  __shared__ SharedParams shared_params;
  const auto row = static_cast<int>(blockIdx.x);
  const auto head = static_cast<int>(blockIdx.y);
  const TokenPlace place = place_of(call, row);
  const SparseAttentionParams& params =
      shared_params.copy(call.sequences[place.sequence]);
  wait_for_predecessor();
  let_successor_start();
  const KeyList list = key_list(params, place.token, keys_per_tile);
  const int channel = 2 * static_cast<int>(threadIdx.x);
  if (head >= params.heads || channel >= params.dim)
    return;
  SoftmaxSum total;
  float2 value = {0, 0};
  const int spans = list.spans();
  const int64_t first = partial.at(params, row, 0, head);
#pragma unroll 8
  for (int span = 0; span < spans; ++span) {
    const int64_t at = first + span * params.heads;
    const float2 part = *reinterpret_cast<const float2*>(
        partial.values + at * params.dim + channel);
    const FoldFactors factors = fold(total, partial.sums[at]);
    value = {
        fold_value(value.x, part.x, factors),
        fold_value(value.y, part.y, factors)};
  }
  const float factor = output_factor(total, params.sink[head]);
  value = {value.x * factor, value.y * factor};
  const int plain = static_cast<int>(params.dim - params.output_rotary);
  if (channel >= plain)
    value = turn_back(
        value,
        turn_of(
            static_cast<float>(list.position),
            params.output_frequencies,
            (channel - plain) / 2));
  *reinterpret_cast<float2*>(
      params.out + (place.token * params.heads + head) * params.dim + channel) =
      value;
}

}  // namespace hadal::cuda
