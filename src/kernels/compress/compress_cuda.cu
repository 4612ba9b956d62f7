// One block a window: pooled into shared memory, finished there, stored.
#include <algorithm>
#include <vector>

#include "kernels/compress/compress_params.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/finish_row.cuh"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"

namespace hadal {
namespace {

constexpr int kThreads = 256;

struct Task {
  CompressorPoolParams pool;
  const float* bias;
  cuda::RowPlan plan;
  const std::byte* const* pages;
  int64_t rows_per_page;
};

// A token's value and its gate, bias included, in the chunk or in the history.
struct Slots {
  const Task& task;
  int64_t channels;

  __device__ float value(int64_t position, int64_t channel) const {
    const CompressorPoolParams& pool = task.pool;
    return position >= pool.chunk_start
               ? pool.chunk_z
                     [(position - pool.chunk_start) * pool.chunk_stride +
                      channel]
               : pool.history_z
                     [position % pool.history_capacity * channels + channel];
  }
  __device__ float gate(int64_t position, int64_t channel) const {
    const CompressorPoolParams& pool = task.pool;
    if (position < pool.chunk_start)
      return pool
          .history_g[position % pool.history_capacity * channels + channel];
    return pool.chunk_g
               [(position - pool.chunk_start) * pool.chunk_stride + channel] +
           task.bias[position % pool.ratio * channels + channel];
  }
};

// Channel `channel` of window `window` (compressor_pool.h).
__device__ float pool_channel(
    const Slots& slots, int64_t window, int64_t channel) {
  const CompressorPoolParams& pool = slots.task.pool;
  const bool overlap = pool.ratio == 4;
  const int64_t start = window * pool.ratio;
  const int64_t first = overlap && window > 0 ? start - pool.ratio : start;
  const int64_t end = start + pool.ratio;
  const auto from = [&](int64_t p) {
    return overlap && p >= start ? pool.dim + channel : channel;
  };
  float most = slots.gate(first, from(first));
  for (int64_t p = first + 1; p < end; ++p)
    most = fmaxf(most, slots.gate(p, from(p)));
  float sum = 0;
  float weights = 0;
  for (int64_t p = first; p < end; ++p) {
    const float weight = expf(slots.gate(p, from(p)) - most);
    sum = __fmaf_rn(weight, slots.value(p, from(p)), sum);
    weights += weight;
  }
  return sum / weights;
}

__global__ void __launch_bounds__(kThreads) compress_kernel(const Task* tasks) {
  extern __shared__ float row[];  // [dim]
  __shared__ float scratch[kThreads / cuda::kWarp];
  cuda::wait_for_predecessor();
  const Task& task = tasks[blockIdx.y];
  if (blockIdx.x >= task.pool.windows)
    return;
  const int64_t window = task.pool.first_window + blockIdx.x;
  const int64_t dim = task.pool.dim;
  const Slots slots{task, dim * (task.pool.ratio == 4 ? 2 : 1)};
  for (int64_t channel = threadIdx.x; channel < dim; channel += kThreads)
    row[channel] = pool_channel(slots, window, channel);
  __syncthreads();
  auto* const page =
      const_cast<std::byte*>(task.pages[window / task.rows_per_page]);
  cuda::finish_row<kThreads>(
      task.plan,
      window * task.pool.ratio,
      row,
      scratch,
      page + window % task.rows_per_page * task.plan.row_bytes);
}

}  // namespace

void compress_cuda(std::span<const CompressParams> all) {
  std::vector<Task> tasks;
  int64_t widest = 0;
  int64_t most = 0;  // windows that so many tokens can complete
  for (const CompressParams& params : all) {
    const CompressorPoolParams& pool = params.pool;
    tasks.push_back(
        {pool,
         params.bias,
         cuda::make_row_plan(params.finish, params.rows.layout),
         params.rows.pages,
         params.rows.rows_per_page});
    widest = std::max(widest, pool.dim);
    most = std::max(most, (params.tokens + pool.ratio - 1) / pool.ratio);
  }
  if (tasks.empty() || most == 0)
    return;
  const auto count = static_cast<int64_t>(tasks.size());
  cuda::launch(
      compress_kernel,
      {.grid = dim3(static_cast<unsigned>(most), static_cast<unsigned>(count)),
       .block = kThreads,
       .shared_bytes = static_cast<unsigned>(widest * sizeof(float)),
       .start = cuda::Start::early},
      cuda::table(tasks.data(), count));
}

}  // namespace hadal
