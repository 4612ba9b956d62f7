// Four bytes a thread.
#include <algorithm>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"

namespace hadal {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    store_kernel(const StoreRowsParams* tasks) {
  cuda::wait_for_predecessor();
  const StoreRowsParams& task = tasks[blockIdx.z];
  const int64_t kept =
      task.count < task.ring.capacity ? task.count : task.ring.capacity;
  const int64_t words = task.ring.row_bytes / 4;
  const int64_t word = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  if (blockIdx.y >= kept || word >= words)
    return;
  const int64_t row = task.count - kept + blockIdx.y;
  const int64_t position = task.first + row;
  auto* const slot = reinterpret_cast<uint32_t*>(
      task.ring.slots + position % task.ring.capacity * task.ring.row_bytes);
  const auto* const from =
      reinterpret_cast<const uint32_t*>(task.rows + row * task.stride);
  slot[word] = task.bias == nullptr
                   ? from[word]
                   : __float_as_uint(
                         __uint_as_float(from[word]) +
                         task.bias[position % task.bias_rows * words + word]);
}

}  // namespace

void store_rows_cuda(std::span<const StoreRowsParams> all) {
  std::vector<StoreRowsParams> tasks;
  int64_t rows = 0;
  int64_t words = 0;
  for (const StoreRowsParams& params : all) {
    if (params.count == 0)
      continue;
    tasks.push_back(params);
    rows = std::max(rows, std::min(params.count, params.ring.capacity));
    words = std::max(words, params.ring.row_bytes / 4);
  }
  if (tasks.empty())
    return;
  const auto count = static_cast<int64_t>(tasks.size());
  cuda::launch(
      store_kernel,
      {.grid = dim3(
           cuda::blocks(words, kThreads),
           static_cast<unsigned>(rows),
           static_cast<unsigned>(count)),
       .block = kThreads,
       .start = cuda::Start::early},
      cuda::table(tasks.data(), count));
}

}  // namespace hadal
