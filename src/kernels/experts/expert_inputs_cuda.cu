#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"
#include "kernels/experts/expert_inputs.h"
#include "kernels/linear/matrix_input.cuh"

namespace hadal::cuda {
namespace {

constexpr int kThreads = 256;

__device__ void prepare_numbers(const ExpertInputJob& job) {
  const ExpertNumbers& to = job.to;
  const int64_t eights = to.cols / 8;
  for (int64_t i = blockIdx.x * int64_t{kThreads} + threadIdx.x;
       i < to.rows * eights;
       i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = i / eights;
    const float sum = prepare_eight(
        job.x + row * to.cols,
        i % eights * 8,
        to.cols,
        to.order,
        to.parts == 1,
        to.numbers + row * to.cols,
        to.rows * to.cols);
    if (to.sums != nullptr)
      to.sums[i] = sum;
  }
}

// One block. `counts` [experts] becomes where the next pair of an expert goes.
__device__ void make_groups(const ExpertGroupJob& job, int32_t* counts) {
  for (int e = threadIdx.x; e < job.experts; e += kThreads)
    counts[e] = 0;
  __syncthreads();
  for (int i = threadIdx.x; i < job.pairs; i += kThreads)
    atomicAdd(&counts[job.indices[i]], 1);
  __syncthreads();
  if (threadIdx.x < kWarp) {
    // A lane takes several experts side by side.
    const int each = (job.experts + kWarp - 1) / kWarp;
    const int lane = static_cast<int>(threadIdx.x);
    const int begin = min(lane * each, job.experts);
    const int end = min(begin + each, job.experts);
    int used = 0;
    int pairs = 0;
    int groups = 0;
    const auto groups_of = [&](int count) {
      return (count + job.columns - 1) / job.columns;
    };
    for (int e = begin; e < end; ++e) {
      used += counts[e] != 0;
      pairs += counts[e];
      groups += groups_of(counts[e]);
    }
    const auto before = [&](int value) {
      int sum = value;
      for (int step = 1; step < kWarp; step *= 2) {
        const int other = __shfl_up_sync(kAllLanes, sum, step);
        sum += lane >= step ? other : 0;
      }
      return sum - value;
    };
    int at = before(used);
    int first = before(pairs);
    int group = before(groups);
    for (int e = begin; e < end; ++e) {
      const int count = counts[e];
      counts[e] = first;
      if (job.to.first != nullptr)
        job.to.first[e] = first;
      if (count == 0)
        continue;
      if (job.to.entries != nullptr)
        job.to.entries[at] = {e, first, count, group};
      ++at;
      first += count;
      group += groups_of(count);
    }
    if (lane == kWarp - 1 && job.to.count != nullptr)
      *job.to.count = at;
    if (lane == kWarp - 1 && job.to.first != nullptr)
      job.to.first[job.experts] = job.pairs;
  }
  __syncthreads();
  // In any order: a group's columns do not know of each other.
  for (int i = threadIdx.x; i < job.pairs; i += kThreads) {
    const int place = atomicAdd(&counts[job.indices[i]], 1);
    job.to.order[place] = i;
    if (job.to.tokens != nullptr)
      job.to.tokens[place] = i / job.per_token;
    if (job.to.places != nullptr)
      job.to.places[i] = place;
  }
}

__global__ void __launch_bounds__(kThreads) prepare_kernel(
    ExpertInputJob routed, ExpertInputJob shared, ExpertGroupJob groups) {
  extern __shared__ int32_t counts[];
  wait_for_predecessor();
  let_successor_start();
  if (blockIdx.y == 0 && routed.x != nullptr)
    prepare_numbers(routed);
  if (blockIdx.y == 1 && shared.x != nullptr)
    prepare_numbers(shared);
  if (blockIdx.y == 2 && blockIdx.x == 0 && groups.indices != nullptr)
    make_groups(groups, counts);
}

// Which row of scratch has a token's experts, in order of their ids: rows
// [per_token] in shared memory.
__device__ void order_rows(
    const ExpertSums& sums, int64_t token, int64_t* rows) {
  const int64_t first = token * sums.per_token;
  for (int i = threadIdx.x; i < sums.per_token; i += kThreads) {
    const int32_t id = sums.indices[first + i];
    int rank = 0;
    for (int j = 0; j < sums.per_token; ++j) {
      const int32_t other = sums.indices[first + j];
      rank += other < id || (other == id && j < i);
    }
    rows[rank] = sums.places == nullptr ? first + i : sums.places[first + i];
  }
  __syncthreads();
}

__device__ void add(float& sum, float value) {
  sum += value;
}
__device__ void add(float4& sum, const float4& value) {
  sum.x += value.x;
  sum.y += value.y;
  sum.z += value.z;
  sum.w += value.w;
}

// Vector: one or four columns a thread; the sums are the same.
template <class Vector>
__global__ void __launch_bounds__(kThreads) sum_kernel(ExpertSums sums) {
  extern __shared__ int64_t rows[];
  wait_for_predecessor();
  let_successor_start();
  const int64_t width = sums.hidden / int64_t{sizeof(Vector) / sizeof(float)};
  const int64_t column = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  const int64_t token = blockIdx.y;
  order_rows(sums, token, rows);
  if (column >= width)
    return;
  const auto* const scratch = reinterpret_cast<const Vector*>(sums.scratch);
  Vector* const y = reinterpret_cast<Vector*>(sums.y) + token * width + column;
  Vector sum = {};
  if (sums.adds)
    sum = *y;
  for (int rank = 0; rank < sums.per_token; ++rank)
    add(sum, scratch[rows[rank] * width + column]);
  if (sums.shared)
    add(sum, scratch[(sums.first_shared + token) * width + column]);
  *y = sum;
}

bool is_aligned(const void* data) {
  return reinterpret_cast<uintptr_t>(data) % sizeof(float4) == 0;
}

}  // namespace

void prepare_experts(
    const ExpertInputJob& routed,
    const ExpertInputJob& shared,
    const ExpertGroupJob& groups) {
  const auto eights = [](const ExpertInputJob& job) {
    return job.x == nullptr ? 0 : job.to.rows * job.to.cols / 8;
  };
  const int64_t most = std::max(eights(routed), eights(shared));
  const unsigned wide = std::min(std::max(blocks(most, kThreads), 1U), 1024U);
  launch(
      prepare_kernel,
      {.grid = dim3(wide, groups.indices == nullptr ? 2 : 3),
       .block = kThreads,
       .shared_bytes = groups.indices == nullptr
                           ? 0
                           : static_cast<unsigned>(groups.experts) * 4,
       .start = Start::early},
      routed,
      shared,
      groups);
}

void sum_experts(const ExpertSums& sums) {
  const bool fours =
      sums.hidden % 4 == 0 && is_aligned(sums.y) && is_aligned(sums.scratch);
  launch(
      fours ? sum_kernel<float4> : sum_kernel<float>,
      {.grid = dim3(
           blocks(fours ? sums.hidden / 4 : sums.hidden, kThreads),
           static_cast<unsigned>(sums.tokens)),
       .block = kThreads,
       .shared_bytes =
           static_cast<unsigned>(sums.per_token * int64_t{sizeof(int64_t)}),
       .start = Start::early},
      sums);
}

}  // namespace hadal::cuda
