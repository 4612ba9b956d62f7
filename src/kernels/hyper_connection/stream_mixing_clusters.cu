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
#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"
#include "kernels/hyper_connection/stream_mixing_steps.cuh"

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#define HADAL_CLUSTER __cluster_dims__(16, 1, 1)
#else
#define HADAL_CLUSTER
#endif

namespace hadal {
namespace {

using namespace mixing;

// Calls of so few tokens leave multiprocessors free for the next kernel and
// end with Sinkhorn's iteration; where there are more, it would hold up every
// group of tokens, and a kernel of its own does it for all of them at once.
constexpr int64_t kFewTokens = 32;
constexpr int kSinkhornThreads = 64;

// What the kernels need of StreamMixing, and the size of a group.
struct ClusterMixing {
  StreamMixing m;
  int64_t group = 1;
  bool sinkhorn_later = false;
};

// Two blocks on a multiprocessor hide each other's waiting; then half of fn has
// no room in the registers.
constexpr int held_rows(int rows, int together) {
  return together == 1 ? rows : rows / 2;
}

#if __CUDA_ARCH__ >= 900

template <int kRows, int kQuads, int kTogether>
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
  extern __shared__ float4 rest[];
  Weights<kRows, held_rows(kRows, kTogether)> weights;
  weights.rest = rest + thread;
  weights.step = 4 * kQuads;
  const int weight_quad = warp * 8 + lane % 8;
#pragma unroll
  for (int r = 0; r < kRows; ++r)
#pragma unroll
    for (int s = 0; s < kStreams; ++s)
      weights.put(
          r,
          s,
          weight_quad < quads ? weights_at(
                                    m.fn,
                                    lane / 8 * kRows + r,
                                    s * m.dim + first_column + 4 * weight_quad)
                              : float4{0, 0, 0, 0});
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
  int64_t first = blockIdx.x / kBlocks * mixing.group;
  TokenQuad next;
  const auto read_group = [&](int64_t group) {
    if (t < min(mixing.group, m.tokens - group) && mine)
      next = read_token(m, group + t, column);
  };
  read_group(first);
  for (uint32_t parity = 0; first < m.tokens; first += step, parity ^= 1) {
    const int64_t count = min(mixing.group, m.tokens - first);
    if (thread == 0) {
      const auto tokens = static_cast<uint32_t>(count);
      cuda::expect_bytes(&all.shares_there, kBlocks * tokens * All::kSums * 4);
      cuda::expect_bytes(
          &all.squares_there, kBlocks * tokens * All::kTokenWarps * 4);
    }
    if (t < count)
      expand(m, all, first + t, next, t, quad, column, mine);
    __syncthreads();
    read_group(first + step);
    multiply(weights, all, count);
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
      store_coefficients(m, first + whose, value, mixing.sinkhorn_later);
    cuda::wait_for_bytes(&all.squares_there, parity);
    if (t < count && mine) {
      if (m.norm_weight != nullptr)
        x = normed(m, all, t, x, norm_weight);
      *reinterpret_cast<float4*>(m.x + (first + t) * m.dim + column) = x;
    }
  }
}

#endif

template <int kRows, int kQuads, int kTogether>
__global__ HADAL_CLUSTER __launch_bounds__(
    4 * kQuads,
    kTogether) void mix_kernel(const __grid_constant__ ClusterMixing mixing) {
#if __CUDA_ARCH__ >= 900
  mix<kRows, kQuads, kTogether>(mixing);
#endif
}

// A thread a token.
__global__ void sinkhorn_kernel(const StreamMixing m) {
  const int64_t token = blockIdx.x * int64_t{kSinkhornThreads} + threadIdx.x;
  if (token >= m.tokens)
    return;
  float comb[kStreams * kStreams];
  float4* const there =
      reinterpret_cast<float4*>(m.comb + token * kStreams * kStreams);
#pragma unroll
  for (int j = 0; j < kStreams; ++j) {
    const float4 row = there[j];
    comb[4 * j] = row.x;
    comb[4 * j + 1] = row.y;
    comb[4 * j + 2] = row.z;
    comb[4 * j + 3] = row.w;
  }
  cuda::softmax_of_four(comb, m.hc_eps);
  cuda::sinkhorn_of_four(comb, m.sinkhorn_iterations, m.hc_eps);
#pragma unroll
  for (int j = 0; j < kStreams; ++j)
    there[j] = {comb[4 * j], comb[4 * j + 1], comb[4 * j + 2], comb[4 * j + 3]};
}

using Kernel = void (*)(ClusterMixing);

// How many clusters are at work at a time; 0: the device, or the code that was
// compiled for it, has none.
int64_t clusters_at_a_time(Kernel kernel, int threads, int64_t shared_bytes) {
  cudaFuncAttributes attributes = {};
  cuda::check(
      cudaFuncGetAttributes(&attributes, kernel), "asking about a kernel");
  if (attributes.ptxVersion < 90)
    return 0;
  if (shared_bytes > 0)
    cuda::allow_shared_memory(
        reinterpret_cast<const void*>(kernel), shared_bytes);
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
  config.dynamicSmemBytes = static_cast<size_t>(shared_bytes);
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
  constexpr int64_t kSharedBytes =
      int64_t{kRows - held_rows(kRows, kTogether)} * kStreams * kThreads * 16;
  static const int64_t kAtATime = clusters_at_a_time(
      mix_kernel<kRows, kQuads, kTogether>, kThreads, kSharedBytes);
  if (kAtATime == 0)
    return false;
  const bool later = kRows > 1 && mixing.tokens > kFewTokens;
  const int64_t rounds = (mixing.tokens + kAtATime - 1) / kAtATime;
  const int64_t group = rounds < kGroup ? rounds : kGroup;
  const int64_t groups = (mixing.tokens + group - 1) / group;
  const int64_t clusters = groups < kAtATime ? groups : kAtATime;
  cuda::launch(
      mix_kernel<kRows, kQuads, kTogether>,
      {.grid = static_cast<unsigned>(kBlocks * clusters),
       .block = kThreads,
       .shared_bytes = static_cast<unsigned>(kSharedBytes),
       .start = cuda::Start::early},
      ClusterMixing{.m = mixing, .group = group, .sinkhorn_later = later});
  if (later)
    cuda::launch(
        sinkhorn_kernel,
        {.grid = cuda::blocks(mixing.tokens, kSinkhornThreads),
         .block = kSinkhornThreads},
        mixing);
  return true;
}

template <int kRows>
bool start_for_size(const StreamMixing& mixing) {
  if (mixing.dim <= 32 * 4 * kBlocks)
    return start<kRows, 32, 1>(mixing);
  if (mixing.dim > 64 * 4 * kBlocks)
    return start<kRows, 128, 1>(mixing);
  if constexpr (kRows > 1)
    if (mixing.tokens > kFewTokens)
      return start<kRows, 64, 2>(mixing);
  return start<kRows, 64, 1>(mixing);
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
