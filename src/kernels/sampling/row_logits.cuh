// The logits of a row in the shared memory of a cluster, as they came and after
// penalties, bias, banned tokens and the mask.
#pragma once

#include <cstdint>

#include "kernels/sampling/row_tokens.cuh"
#include "kernels/sampling/sampling_params.h"

namespace hadal::cuda {

#if __CUDA_ARCH__ >= 900

struct RowLogits {
  // Logits of the block's tokens, one word of room after every sixteen: the
  // threads then read theirs from different banks.
  float logits[kBlockTokens + kClusterThreads];
  ClusterValues values;
};

__device__ inline int place(int token) {
  return token + token / kThreadTokens;
}

__device__ inline uint32_t first_of_block() {
  return cluster_rank() * kBlockTokens;
}

// The block's part of the row.
__device__ inline void load(const SampleParams& row, RowLogits& shared) {
  const int64_t first = first_of_block();
  for (int i = static_cast<int>(threadIdx.x); i < kBlockTokens;
       i += kClusterThreads)
    shared.logits[place(i)] =
        first + i < row.vocabulary ? row.logits[first + i] : 0;
  __syncthreads();
}

__device__ inline ThreadTokens thread_tokens(
    const SampleParams& row, const RowLogits& shared) {
  const int at = static_cast<int>(threadIdx.x) * kThreadTokens;
  ThreadTokens tokens;
  tokens.first = first_of_block() + static_cast<uint32_t>(at);
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    tokens.keys[i] = tokens.first + i < row.vocabulary
                         ? logit_key(shared.logits[place(at + i)])
                         : 0;
  return tokens;
}

__device__ inline uint32_t all_of(const ThreadTokens& tokens) {
  uint32_t set = 0;
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    set |= tokens.keys[i] != 0 ? 1U << i : 0;
  return set;
}

// The first token with a NaN or plus infinity, or kNoId; and the highest logit.
__device__ inline uint32_t check(
    const SampleParams& row,
    RowLogits& shared,
    uint32_t& round,
    float& highest) {
  const int at = static_cast<int>(threadIdx.x) * kThreadTokens;
  const ThreadTokens tokens = thread_tokens(row, shared);
  uint64_t most[2] = {0, 0};  // kNoId - id, key
#pragma unroll
  for (int i = kThreadTokens - 1; i >= 0; --i) {
    const float logit = shared.logits[place(at + i)];
    if (tokens.keys[i] != 0 && !(logit <= 0x1.FFFFFEp127F))
      most[0] = kNoId - (tokens.first + i);
    most[1] = max(most[1], static_cast<uint64_t>(tokens.keys[i]));
  }
  join<Join::most, 2>(shared.values, round, most);
  highest = logit_of(static_cast<uint32_t>(most[1]));
  return kNoId - static_cast<uint32_t>(most[0]);
}

// Penalties, bias, banned tokens and the mask.
__device__ inline void edit(const SampleParams& row, RowLogits& shared) {
  const int64_t first = first_of_block();
  const auto logit_at = [&](int32_t token) -> float* {
    const int64_t at = token - first;
    return token < row.vocabulary && at >= 0 && at < kBlockTokens
               ? &shared.logits[place(static_cast<int>(at))]
               : nullptr;
  };
  constexpr float kMaxFloat = 0x1.FFFFFEp127F;
  for (int64_t e = threadIdx.x; e < row.edit_count; e += kClusterThreads) {
    const TokenEdit edit = row.edits[e];
    float* const there = logit_at(edit.token);
    if (there == nullptr)
      continue;
    float logit = *there;
    const float r = row.repetition_penalty;
    if (edit.penalised)
      logit = fminf(
          logit > 0 ? __fdiv_rn(logit, r) : __fmul_rn(logit, r), kMaxFloat);
    if (edit.output_count > 0) {
      logit = __fsub_rn(
          logit,
          __fmul_rn(
              row.frequency_penalty, static_cast<float>(edit.output_count)));
      logit = __fsub_rn(logit, row.presence_penalty);
    }
    *there = __fadd_rn(logit, edit.bias);
  }
  __syncthreads();
  const float excluded = -INFINITY;
  for (int64_t b = threadIdx.x; b < row.banned_count; b += kClusterThreads)
    if (float* const there = logit_at(row.banned[b]))
      *there = excluded;
  if (row.mask != nullptr) {
    const int at = static_cast<int>(threadIdx.x) * kThreadTokens;
    const int64_t word = (first + at) / 64;
    const uint64_t bits = word < row.mask_words ? row.mask[word] : 0;
    for (int i = 0; i < kThreadTokens; ++i)
      if ((bits >> ((first + at) % 64 + i) & 1) == 0)
        shared.logits[place(at + i)] = excluded;
  }
  __syncthreads();
}

#endif

}  // namespace hadal::cuda
