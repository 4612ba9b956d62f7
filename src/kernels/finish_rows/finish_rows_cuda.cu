// One block a row, which lies in shared memory from its first step to its last.
#include <algorithm>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/cuda/finish_row.cuh"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"

namespace hadal {
namespace {

constexpr int kThreads = 128;

// Rows [first, next task's first) of the launch.
struct Task {
  int64_t first;
  float* x;
  int64_t heads;
  const int64_t* positions;
  cuda::RowPlan plan;
  std::byte* encoded;
};

__global__ void __launch_bounds__(kThreads)
    finish_kernel(const Task* tasks, int count) {
  extern __shared__ float row[];  // [dim]
  __shared__ float scratch[kThreads / cuda::kWarp];
  cuda::wait_for_predecessor();
  int index = 0;
  while (index + 1 < count && tasks[index + 1].first <= blockIdx.x)
    ++index;
  const Task& task = tasks[index];
  const int64_t r = blockIdx.x - task.first;
  const int64_t dim = task.plan.finish.dim;
  float* const x = task.x + r * dim;
  for (int64_t i = threadIdx.x; i < dim; i += kThreads)
    row[i] = x[i];
  __syncthreads();
  cuda::finish_row<kThreads>(
      task.plan,
      task.plan.finish.rotary_dim > 0 ? task.positions[r / task.heads] : 0,
      row,
      scratch,
      task.encoded == nullptr ? nullptr
                              : task.encoded + r * task.plan.row_bytes);
  for (int64_t i = threadIdx.x; i < dim; i += kThreads)
    x[i] = row[i];
}

}  // namespace

void finish_rows_cuda(std::span<const FinishRowsParams> all) {
  std::vector<Task> tasks;
  int64_t rows = 0;
  int64_t widest = 0;
  for (const FinishRowsParams& params : all) {
    if (params.rows == 0)
      continue;
    tasks.push_back(
        {rows,
         params.x,
         params.heads,
         params.positions,
         cuda::make_row_plan(params.finish, params.layout),
         params.encoded});
    rows += params.rows;
    widest = std::max(widest, params.finish.dim);
  }
  if (rows == 0)
    return;
  const auto count = static_cast<int64_t>(tasks.size());
  cuda::launch(
      finish_kernel,
      {.grid = static_cast<unsigned>(rows),
       .block = kThreads,
       .shared_bytes = static_cast<unsigned>(widest * sizeof(float)),
       .start = cuda::Start::early},
      cuda::table(tasks.data(), count),
      static_cast<int>(count));
}

}  // namespace hadal
