// The hyper-connections by clusters of sixteen blocks.
//
// Block b of a cluster owns columns [b * dim / 16, (b + 1) * dim / 16) of all
// four streams. For up to kGroup tokens at a time:
//   1. HCpost of the block's columns, into the streams and shared memory
//   2. its share of the products with fn and of the squares, sent to all blocks
//   3. a warp a token adds up the sixteen shares: pre, post and comb
//   4. x of the block's columns, its share of x's squares, sent to all blocks
//   5. the norm
// Order of the sums, which depends on dim alone: a product's thread has one
// quad of columns, stream after stream, fused multiply-add in increasing
// channel; eight lanes join by a tree, then the warps and the blocks in
// increasing order (sum_in_order). The squares alike, a warp's lanes by a
// butterfly.
#include "base/check.h"
#include "kernels/cuda/cluster.cuh"
#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/wait.cuh"
#include "kernels/hyper_connection/sinkhorn.cuh"
#include "kernels/hyper_connection/stream_mixing_cuda.h"

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#define HADAL_CLUSTER __cluster_dims__(16, 1, 1)
#else
#define HADAL_CLUSTER
#endif

namespace hadal {
namespace {

constexpr int kBlocks = 16;
constexpr int kGroup = 4;
constexpr int kStreams = 4;
// Calls of so few tokens leave multiprocessors free for the next kernel.
constexpr int64_t kFewTokens = 32;

// What the kernels need of StreamMixing, and the size of a group.
struct ClusterMixing {
  StreamMixing m;
  int64_t group = 1;
};

#if __CUDA_ARCH__ >= 900

constexpr int kRowGroups = 4;

__device__ float sigmoid(float x) {
  return 1 / (1 + expf(-x));
}

__device__ float4 float4_at(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}

// Four weights of a row.
__device__ float4
weights_at(const WeightView& fn, int64_t row, int64_t channel) {
  const std::byte* const from = fn.data + row * fn.row_bytes;
  if (fn.format == WeightFormat::f32)
    return float4_at(reinterpret_cast<const float*>(from) + channel);
  const uint2 bits = *reinterpret_cast<const uint2*>(
      reinterpret_cast<const uint16_t*>(from) + channel);
  return {
      __uint_as_float(bits.x << 16),
      __uint_as_float(bits.x & 0xFFFF0000),
      __uint_as_float(bits.y << 16),
      __uint_as_float(bits.y & 0xFFFF0000)};
}

__device__ float dot(float4 a, float4 b, float sum) {
  sum = __fmaf_rn(a.x, b.x, sum);
  sum = __fmaf_rn(a.y, b.y, sum);
  sum = __fmaf_rn(a.z, b.z, sum);
  return __fmaf_rn(a.w, b.w, sum);
}

__device__ float4 add_scaled(float factor, float4 a, float4 sum) {
  return {
      __fmaf_rn(factor, a.x, sum.x),
      __fmaf_rn(factor, a.y, sum.y),
      __fmaf_rn(factor, a.z, sum.z),
      __fmaf_rn(factor, a.w, sum.w)};
}

// values[i * step], i increasing, in four sums that are joined as a tree: none
// waits long for another.
template <int kCount>
__device__ float sum_in_order(const float* values, int step) {
  static_assert(kCount % 4 == 0);
  float sums[4] = {0, 0, 0, 0};
#pragma unroll
  for (int i = 0; i < kCount; i += 4)
#pragma unroll
    for (int k = 0; k < 4; ++k)
      sums[k] += values[(i + k) * step];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Sums of kCount values over the eight lanes that differ in their lowest three
// bits. Half of the lanes go on with half of the values each time; returns the
// index of the sum that this lane ends with, in values[0], or -1.
template <int kCount>
__device__ int sum_over_eight(float* values, int lane) {
  int first = 0;
  int mine = kCount;
  int count = kCount;
#pragma unroll
  for (int step = 4; step > 0; step /= 2) {
    const bool upper = (lane & step) != 0;
    const int half = (count + 1) / 2;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (i >= half)
        break;
      const float other = i + half < count ? values[i + half] : 0;
      const float sent = upper ? values[i] : other;
      values[i] = (upper ? other : values[i]) +
                  __shfl_xor_sync(cuda::kAllLanes, sent, step);
    }
    first += upper ? half : 0;
    mine = upper ? mine - half : min(mine, half);
    count = half;
  }
  return mine > 0 ? first : -1;
}

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

// A thread's part of fn: kRows rows, the same quad of each stream.
template <int kRows>
struct Weights {
  float4 fn[kRows][kStreams];
};

// Steps 1: a thread has a quad of one token. Leaves zeros where there is none.
template <class All>
__device__ void expand(
    const StreamMixing& m,
    All& all,
    int64_t token,
    int t,
    int quad,
    int64_t column,
    bool mine) {
  float4 old[kStreams];
  float4 mixed[kStreams];
  const int64_t row = m.rows == nullptr ? token : m.rows[token];
  float* const streams = m.streams + row * kStreams * m.dim + column;
  const float* const from =
      m.y == nullptr ? streams
                     : m.old_streams + token * kStreams * m.dim + column;
#pragma unroll
  for (int j = 0; j < kStreams; ++j)
    old[j] = mine ? float4_at(from + j * m.dim) : float4{0, 0, 0, 0};
  if (m.y != nullptr) {
    const float4 y =
        mine ? float4_at(m.y + token * m.dim + column) : float4{0, 0, 0, 0};
    const float4 post = float4_at(m.old_post + token * kStreams);
    mixed[0] = {post.x * y.x, post.x * y.y, post.x * y.z, post.x * y.w};
    mixed[1] = {post.y * y.x, post.y * y.y, post.y * y.z, post.y * y.w};
    mixed[2] = {post.z * y.x, post.z * y.y, post.z * y.z, post.z * y.w};
    mixed[3] = {post.w * y.x, post.w * y.y, post.w * y.z, post.w * y.w};
#pragma unroll
    for (int j = 0; j < kStreams; ++j) {
      const float4 comb =
          float4_at(m.old_comb + (token * kStreams + j) * kStreams);
      mixed[0] = add_scaled(comb.x, old[j], mixed[0]);
      mixed[1] = add_scaled(comb.y, old[j], mixed[1]);
      mixed[2] = add_scaled(comb.z, old[j], mixed[2]);
      mixed[3] = add_scaled(comb.w, old[j], mixed[3]);
    }
  }
  float squares = 0;
#pragma unroll
  for (int k = 0; k < kStreams; ++k) {
    if (m.y == nullptr)
      mixed[k] = old[k];
    else if (mine)
      *reinterpret_cast<float4*>(streams + k * m.dim) = mixed[k];
    all.streams[t][k][quad] = mixed[k];
    squares = dot(mixed[k], mixed[k], squares);
  }
  squares = cuda::warp_sum(squares);
  if (quad % cuda::kWarp == 0)
    all.squares[t][quad / cuda::kWarp] = squares;
}

// Step 2, without the sending.
template <int kRows, class All>
__device__ void multiply(
    const Weights<kRows>& weights, All& all, int64_t count) {
  const int lane = static_cast<int>(threadIdx.x) % cuda::kWarp;
  const int warp = static_cast<int>(threadIdx.x) / cuda::kWarp;
  for (int t = 0; t < count; ++t) {
    float sums[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r)
      sums[r] = 0;
#pragma unroll
    for (int s = 0; s < kStreams; ++s) {
      const float4 x = all.streams[t][s][warp * 8 + lane % 8];
#pragma unroll
      for (int r = 0; r < kRows; ++r)
        sums[r] = dot(weights.fn[r][s], x, sums[r]);
    }
    const int which = sum_over_eight<kRows>(sums, lane);
    if (which >= 0)
      all.products[warp][t][lane / 8 * kRows + which] = sums[0];
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

// The rest of step 3, in one of the blocks.
__device__ void store_coefficients(
    const StreamMixing& m, int64_t token, float value) {
  const int lane = static_cast<int>(threadIdx.x) % cuda::kWarp;
  if (lane >= kStreams && lane < 2 * kStreams)
    m.post[token * kStreams + lane - kStreams] = 2 * sigmoid(value);
  float comb[kStreams * kStreams];
  cuda::sinkhorn_of_four(value, m.sinkhorn_iterations, m.hc_eps, comb);
  if (lane == 0)
#pragma unroll
    for (int j = 0; j < kStreams; ++j)
      *reinterpret_cast<float4*>(m.comb + (token * kStreams + j) * kStreams) = {
          comb[4 * j], comb[4 * j + 1], comb[4 * j + 2], comb[4 * j + 3]};
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

template <int kRows, int kQuads>
__device__ void mix(const ClusterMixing& mixing) {
  using All = Shared<kRows, kQuads>;
  __shared__ All all;
  const StreamMixing& m = mixing.m;
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = thread % cuda::kWarp;
  const int warp = thread / cuda::kWarp;
  const uint32_t rank = cuda::cluster_rank();
  const int64_t quads = m.dim / (4 * kBlocks);
  const int64_t first_column = rank * quads * 4;
  if (thread == 0) {
    cuda::init_barrier(&all.shares_there);
    cuda::init_barrier(&all.squares_there);
  }

  // Everything that is a weight is on its way before the predecessor ends.
  Weights<kRows> weights;
  const int weight_quad = warp * 8 + lane % 8;
#pragma unroll
  for (int r = 0; r < kRows; ++r)
#pragma unroll
    for (int s = 0; s < kStreams; ++s)
      weights.fn[r][s] = weight_quad < quads
                             ? weights_at(
                                   m.fn,
                                   lane / 8 * kRows + r,
                                   s * m.dim + first_column + 4 * weight_quad)
                             : float4{0, 0, 0, 0};
  const int kind = min(lane / kStreams, 2);
  const bool has_output = lane < All::kSums - 1;
  const float scale = has_output ? m.scale[kRows == 1 ? 0 : kind] : 0;
  const float base = has_output ? m.base[lane] : 0;
  const int t = thread / kQuads;
  const int quad = thread % kQuads;
  const bool mine = quad < quads;
  const int64_t column = first_column + 4 * quad;
  float4 norm_weight = {1, 1, 1, 1};
  if (m.norm_weight != nullptr && mine)
    norm_weight = float4_at(m.norm_weight + column);
  cuda::start_cluster();
  if (m.tokens <= kFewTokens)
    cuda::let_successor_start();
  cuda::wait_for_predecessor();

  const int64_t step = gridDim.x / kBlocks * mixing.group;
  uint32_t parity = 0;
  for (int64_t first = blockIdx.x / kBlocks * mixing.group; first < m.tokens;
       first += step) {
    const int64_t count = min(mixing.group, m.tokens - first);
    if (thread == 0) {
      const auto tokens = static_cast<uint32_t>(count);
      cuda::expect_bytes(&all.shares_there, kBlocks * tokens * All::kSums * 4);
      cuda::expect_bytes(
          &all.squares_there, kBlocks * tokens * All::kTokenWarps * 4);
    }
    if (t < count)
      expand(m, all, first + t, t, quad, column, mine);
    __syncthreads();
    multiply<kRows>(weights, all, count);
    __syncthreads();
    send_shares(all, rank, count);

    // The last warps: with one token they have nothing else to do.
    const int whose = All::kWarps - 1 - warp;
    float value = 0;
    if (whose < count) {
      cuda::wait_for_bytes(&all.shares_there, parity);
      value = coefficient(m, all, whose, scale, base);
    }
    __syncthreads();
    float4 x;
    if (t < count)
      x = collapse(all, rank, t, quad);
    if (kRows > 1 && whose < count && rank == static_cast<uint32_t>(whose))
      store_coefficients(m, first + whose, value);
    cuda::wait_for_bytes(&all.squares_there, parity);
    if (t < count && mine) {
      if (m.norm_weight != nullptr)
        x = normed(m, all, t, x, norm_weight);
      *reinterpret_cast<float4*>(m.x + (first + t) * m.dim + column) = x;
    }
    parity ^= 1;
  }
}

#endif

// kTogether blocks have room on a multiprocessor. Two hide each other's
// waiting, at the price of a part of fn that does not fit into the registers
// any more.
template <int kRows, int kQuads, int kTogether>
__global__ HADAL_CLUSTER __launch_bounds__(
    4 * kQuads,
    kTogether) void mix_kernel(const __grid_constant__ ClusterMixing mixing) {
#if __CUDA_ARCH__ >= 900
  mix<kRows, kQuads>(mixing);
#endif
}

using Kernel = void (*)(ClusterMixing);

// How many clusters are at work at a time; 0: the device, or the code that was
// compiled for it, has none.
int64_t clusters_at_a_time(Kernel kernel, int threads) {
  cudaFuncAttributes attributes = {};
  cuda::check(
      cudaFuncGetAttributes(&attributes, kernel), "asking about a kernel");
  if (attributes.ptxVersion < 90)
    return 0;
  cuda::check(
      cudaFuncSetAttribute(
          kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1),
      "asking for clusters of sixteen blocks");
  cudaLaunchAttribute size = {};
  size.id = cudaLaunchAttributeClusterDimension;
  size.val.clusterDim.x = kBlocks;
  size.val.clusterDim.y = 1;
  size.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = kBlocks;
  config.blockDim = static_cast<unsigned>(threads);
  config.attrs = &size;
  config.numAttrs = 1;
  int count = 0;
  cuda::check(
      cudaOccupancyMaxActiveClusters(&count, kernel, &config),
      "asking for the number of clusters");
  return count;
}

template <int kRows, int kQuads, int kTogether>
bool start(const StreamMixing& mixing) {
  constexpr int kThreads = 4 * kQuads;
  static const int64_t kAtATime =
      clusters_at_a_time(mix_kernel<kRows, kQuads, kTogether>, kThreads);
  if (kAtATime == 0)
    return false;
  const int64_t rounds = (mixing.tokens + kAtATime - 1) / kAtATime;
  const int64_t group = rounds < kGroup ? rounds : kGroup;
  const int64_t groups = (mixing.tokens + group - 1) / group;
  const int64_t clusters = groups < kAtATime ? groups : kAtATime;
  cuda::launch(
      mix_kernel<kRows, kQuads, kTogether>,
      {.grid = static_cast<unsigned>(kBlocks * clusters),
       .block = kThreads,
       .start = cuda::Start::early},
      ClusterMixing{.m = mixing, .group = group});
  return true;
}

template <int kRows>
bool start_for_size(const StreamMixing& mixing) {
  if (mixing.dim <= 32 * 4 * kBlocks)
    return start<kRows, 32, 1>(mixing);
  if (mixing.dim > 64 * 4 * kBlocks)
    return start<kRows, 128, 1>(mixing);
  if (mixing.tokens <= kFewTokens)
    return start<kRows, 64, 1>(mixing);
  return start<kRows, 64, 2>(mixing);
}

}  // namespace

bool mix_in_clusters(const StreamMixing& mixing) {
  if (mixing.n != kStreams || mixing.dim % (4 * kBlocks) != 0 ||
      mixing.dim > 128 * 4 * kBlocks)
    return false;
  const auto aligned = [](const void* data) {
    return reinterpret_cast<uintptr_t>(data) % 16 == 0;
  };
  HADAL_CHECK(
      aligned(mixing.streams) && aligned(mixing.x) && aligned(mixing.post) &&
      aligned(mixing.comb) && aligned(mixing.y) &&
      aligned(mixing.old_streams) && aligned(mixing.old_post) &&
      aligned(mixing.old_comb) && aligned(mixing.norm_weight) &&
      aligned(mixing.fn.data) && mixing.fn.row_bytes % 16 == 0);
  return mixing.comb == nullptr ? start_for_size<1>(mixing)
                                : start_for_size<6>(mixing);
}

}  // namespace hadal
