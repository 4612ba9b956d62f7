// The steps of the hyper-connections by clusters (stream_mixing_clusters.cu).
#pragma once

#include "kernels/cuda/cluster.cuh"
#include "kernels/cuda/sums.cuh"
#include "kernels/hyper_connection/sinkhorn.cuh"
#include "kernels/hyper_connection/stream_mixing_cuda.h"
#include "kernels/hyper_connection/stream_quads.cuh"

namespace hadal::mixing {

constexpr int kBlocks = 16;  // of a cluster
constexpr int kGroup = 4;    // tokens at a time, at most
constexpr int kStreams = 4;

#if __CUDA_ARCH__ >= 900

constexpr int kRowGroups = 4;

// kQuads: room for the quads of a block's columns of one stream.
template <int kRows, int kQuads>
struct Shared {
  static constexpr int kSums = kRowGroups * kRows + 1;  // squares last
  static constexpr int kWarps = kQuads / 8;
  static constexpr int kTokenWarps = kQuads / 32;  // when a thread has a quad
  float4 streams[kGroup][kStreams][kQuads];
  float products[kWarps][kGroup][kSums - 1];
  float squares[kGroup][kTokenWarps];
  float shares[kBlocks][kGroup][kSums];
  float x_squares[kGroup][kBlocks * kTokenWarps];
  float pre[kGroup][kStreams];
  cuda::ByteBarrier shares_there;
  cuda::ByteBarrier squares_there;
};

// A thread's part of fn: kRows rows, the same quad of each stream. The first
// kHeld rows are in registers, the others in shared memory, [row][stream] with
// `step` quads between neighbours.
template <int kRows, int kHeld>
struct Weights {
  float4 held[kHeld][kStreams];
  float4* rest;
  int step;

  __device__ void put(int row, int stream, float4 quad) {
    if (row < kHeld)
      held[row][stream] = quad;
    else
      rest[((row - kHeld) * kStreams + stream) * step] = quad;
  }
  __device__ float4 get(int row, int stream) const {
    if (row < kHeld)
      return held[row][stream];
    return rest[((row - kHeld) * kStreams + stream) * step];
  }
};

// What step 1 reads of a token: a thread has a quad of it.
struct TokenQuad {
  float4 old[kStreams];
  float4 y;
};

__device__ inline int64_t first_channel(const StreamMixing& m, int64_t token) {
  return (m.rows == nullptr ? token : m.rows[token]) * kStreams * m.dim;
}

__device__ inline TokenQuad read_token(
    const StreamMixing& m, int64_t token, int64_t column) {
  const float* const from =
      (m.y == nullptr ? m.streams + first_channel(m, token)
                      : m.old_streams + token * kStreams * m.dim) +
      column;
  TokenQuad quad;
#pragma unroll
  for (int j = 0; j < kStreams; ++j)
    quad.old[j] = float4_at(from + j * m.dim);
  if (m.y != nullptr)
    quad.y = float4_at(m.y + token * m.dim + column);
  return quad;
}

// HCpost of a quad: mixed[k] = post[k] * y + sum over j of comb[j][k] * old[j].
__device__ inline void mix_up(
    const StreamMixing& m, int64_t token, const TokenQuad& of, float4* mixed) {
  const float4 post = float4_at(m.old_post + token * kStreams);
  const auto times_y = [&](float factor) -> float4 {
    return {factor * of.y.x, factor * of.y.y, factor * of.y.z, factor * of.y.w};
  };
  mixed[0] = times_y(post.x);
  mixed[1] = times_y(post.y);
  mixed[2] = times_y(post.z);
  mixed[3] = times_y(post.w);
#pragma unroll
  for (int j = 0; j < kStreams; ++j) {
    const float4 comb =
        float4_at(m.old_comb + (token * kStreams + j) * kStreams);
    mixed[0] = add_scaled(comb.x, of.old[j], mixed[0]);
    mixed[1] = add_scaled(comb.y, of.old[j], mixed[1]);
    mixed[2] = add_scaled(comb.z, of.old[j], mixed[2]);
    mixed[3] = add_scaled(comb.w, of.old[j], mixed[3]);
  }
}

// Step 1. Leaves zeros where the block has no column.
template <class All>
__device__ void expand(
    const StreamMixing& m,
    All& all,
    int64_t token,
    const TokenQuad& of,
    int t,
    int quad,
    int64_t column,
    bool mine) {
  float4 mixed[kStreams];
  if (m.y != nullptr) {
    mix_up(m, token, of, mixed);
  } else {
#pragma unroll
    for (int k = 0; k < kStreams; ++k)
      mixed[k] = of.old[k];
  }
  float squares = 0;
#pragma unroll
  for (int k = 0; k < kStreams; ++k) {
    if (!mine)
      mixed[k] = {0, 0, 0, 0};
    else if (m.y != nullptr)
      *reinterpret_cast<float4*>(
          m.streams + first_channel(m, token) + k * m.dim + column) = mixed[k];
    all.streams[t][k][quad] = mixed[k];
    squares = dot(mixed[k], mixed[k], squares);
  }
  squares = cuda::warp_sum(squares);
  if (quad % cuda::kWarp == 0)
    all.squares[t][quad / cuda::kWarp] = squares;
}

// Step 2, without the sending. What is not in registers is read for two tokens
// at a time; the order of a token's sum is the same.
template <int kRows, int kHeld, class All>
__device__ void multiply(
    const Weights<kRows, kHeld>& weights, All& all, int64_t count) {
  constexpr int kTokens = kHeld < kRows ? 2 : 1;
  const int lane = static_cast<int>(threadIdx.x) % cuda::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / cuda::kWarp;
  for (int t = 0; t < count; t += kTokens) {
    // The last may be alone: it is worked on twice.
    const int tokens[2] = {t, min(t + 1, static_cast<int>(count) - 1)};
    float sums[kTokens][kRows];
#pragma unroll
    for (int i = 0; i < kTokens; ++i)
#pragma unroll
      for (int r = 0; r < kRows; ++r)
        sums[i][r] = 0;
#pragma unroll
    for (int s = 0; s < kStreams; ++s) {
      float4 x[kTokens];
#pragma unroll
      for (int i = 0; i < kTokens; ++i)
        x[i] = all.streams[tokens[i]][s][warp * 8 + lane % 8];
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const float4 fn = weights.get(r, s);
#pragma unroll
        for (int i = 0; i < kTokens; ++i)
          sums[i][r] = dot(fn, x[i], sums[i][r]);
      }
    }
#pragma unroll
    for (int i = 0; i < kTokens; ++i) {
      const int which = sum_over_eight<kRows>(sums[i], lane);
      if (which >= 0)
        all.products[warp][tokens[i]][lane / 8 * kRows + which] = sums[i][0];
    }
  }
}

// The block's shares to all blocks. A warp serves some of them.
template <class All>
__device__ void send_shares(All& all, uint32_t rank, int64_t count) {
  constexpr int kEach = kBlocks / All::kWarps;
  const int lane = static_cast<int>(threadIdx.x) % cuda::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / cuda::kWarp;
  if (lane >= All::kSums)
    return;
  for (int t = 0; t < count; ++t) {
    float sum = 0;
    if (lane < All::kSums - 1)
      for (int w = 0; w < All::kWarps; ++w)
        sum += all.products[w][t][lane];
    else
      for (int w = 0; w < All::kTokenWarps; ++w)
        sum += all.squares[t][w];
    for (int b = 0; b < kEach; ++b)
      cuda::send_to_block(
          static_cast<uint32_t>(warp * kEach + b),
          &all.shares[rank][t][lane],
          &all.shares_there,
          sum);
  }
}

// Step 3 for one token by one warp. Lane o has coefficient o; returns it before
// its sigmoid or softmax.
template <class All>
__device__ float coefficient(
    const StreamMixing& m, All& all, int t, float scale, float base) {
  const int lane = static_cast<int>(threadIdx.x) % cuda::kWarp;
  float sum = 0;
  if (lane < All::kSums)
    sum = sum_in_order<kBlocks>(&all.shares[0][t][lane], kGroup * All::kSums);
  const float mean = __shfl_sync(cuda::kAllLanes, sum, All::kSums - 1) /
                     static_cast<float>(kStreams * m.dim);
  const float rho = 1 / sqrtf(mean + m.norm_eps);
  const float value = __fmaf_rn(sum * rho, scale, base);
  if (lane < kStreams)
    all.pre[t][lane] = sigmoid(value) + m.hc_eps;
  return value;
}

// The rest of step 3, in one of the blocks. `later`: comb is left as it goes
// into the softmax.
__device__ inline void store_coefficients(
    const StreamMixing& m, int64_t token, float value, bool later) {
  const int lane = static_cast<int>(threadIdx.x) % cuda::kWarp;
  const int64_t entries = kStreams * kStreams;
  if (lane >= kStreams && lane < 2 * kStreams)
    m.post[token * kStreams + lane - kStreams] = 2 * sigmoid(value);
  if (later) {
    if (lane >= 2 * kStreams && lane < 2 * kStreams + entries)
      m.comb[token * entries + lane - 2 * kStreams] = value;
    return;
  }
  const float entry = cuda::softmax_in_lanes(value, m.hc_eps);
  float comb[kStreams * kStreams];
#pragma unroll
  for (int i = 0; i < kStreams * kStreams; ++i)
    comb[i] = __shfl_sync(cuda::kAllLanes, entry, 2 * kStreams + i);
  cuda::sinkhorn_of_four(comb, m.sinkhorn_iterations, m.hc_eps);
  if (lane == 0)
#pragma unroll
    for (int i = 0; i < kStreams * kStreams; i += 4)
      *reinterpret_cast<float4*>(m.comb + token * entries + i) = {
          comb[i], comb[i + 1], comb[i + 2], comb[i + 3]};
}

// Step 4: the thread's quad of x.
template <class All>
__device__ float4 collapse(All& all, uint32_t rank, int t, int quad) {
  float4 x = {0, 0, 0, 0};
#pragma unroll
  for (int i = 0; i < kStreams; ++i)
    x = add_scaled(all.pre[t][i], all.streams[t][i][quad], x);
  const float squares = cuda::warp_sum(dot(x, x, 0));
  const int lane = quad % cuda::kWarp;
  if (lane < kBlocks)
    cuda::send_to_block(
        static_cast<uint32_t>(lane),
        &all.x_squares[t][rank * All::kTokenWarps + quad / cuda::kWarp],
        &all.squares_there,
        squares);
  return x;
}

// Step 5.
template <class All>
__device__ float4
normed(const StreamMixing& m, All& all, int t, float4 x, float4 weight) {
  const float squares =
      sum_in_order<kBlocks * All::kTokenWarps>(all.x_squares[t], 1);
  const float factor =
      1 / sqrtf(squares / static_cast<float>(m.dim) + m.norm_eps);
  return {
      x.x * factor * weight.x,
      x.y * factor * weight.y,
      x.z * factor * weight.z,
      x.w * factor * weight.w};
}

#endif

}  // namespace hadal::mixing
