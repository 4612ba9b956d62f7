#include <algorithm>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/cuda/prepare.cuh"
#include "kernels/cuda/wait.cuh"
#include "kernels/linear/matrix_input.cuh"
#include "kernels/linear/matrix_rows.h"

namespace hadal::cuda {
namespace {

constexpr int kThreads = 128;

// The input of one product or of several.
struct InputJob {
  const float* x = nullptr;
  int64_t x_stride = 0;
  int64_t cols = 0;
  int64_t padded = 0;
  InputOrder order = InputOrder::plain;
  bool rounded = false;
  uint16_t* inputs = nullptr;
  float* sums = nullptr;  // null: not needed
};

struct InputLaunch {
  InputJob jobs[kMostRowsJobs];
};

// Eight columns a thread; blockIdx.y is the token, blockIdx.z the job.
__global__ void input_kernel(
    const __grid_constant__ InputLaunch launch, int64_t tokens) {
  wait_for_predecessor();
  let_successor_start();
  const InputJob& job = launch.jobs[blockIdx.z];
  const int64_t token = blockIdx.y;
  prepare_token(
      job.x + token * job.x_stride,
      job.cols,
      job.padded,
      job.order,
      job.rounded,
      job.inputs + token * job.padded,
      tokens * job.padded,
      job.sums == nullptr ? nullptr : job.sums + token * (job.padded / 32),
      blockIdx.x * int64_t{kThreads} + threadIdx.x,
      gridDim.x * int64_t{kThreads});
}

void start(const InputJob* jobs, int count, int64_t tokens) {
  InputLaunch all;
  int64_t widest = 0;
  for (int i = 0; i < count; ++i) {
    all.jobs[i] = jobs[i];
    widest = jobs[i].padded > widest ? jobs[i].padded : widest;
  }
  const dim3 grid(
      blocks(widest, 8 * kThreads),
      static_cast<unsigned>(tokens),
      static_cast<unsigned>(count));
  launch(
      input_kernel,
      {.grid = grid, .block = kThreads, .start = Start::early},
      all,
      tokens);
}

bool same_input(const LinearParams& a, const LinearParams& b) {
  return a.x == b.x && a.x_stride == b.x_stride &&
         a.activation == b.activation && a.weight.cols == b.weight.cols &&
         input_order(a.weight.format) == input_order(b.weight.format);
}

// Room for arrays side by side, each aligned to 256 bytes.
class Places {
 public:
  int64_t take(int64_t bytes) {
    const int64_t at = end_;
    end_ += (bytes + 255) / 256 * 256;
    return at;
  }
  int64_t bytes() const { return end_; }

 private:
  int64_t end_ = 0;
};

}  // namespace

std::vector<LinearParams> round_integer_inputs(
    std::span<const LinearParams> products) {
  std::vector<LinearParams> all(products.begin(), products.end());
  Places places;
  std::vector<int64_t> place(all.size());
  for (size_t i = 0; i < all.size(); ++i)
    if (is_integer(all[i].activation))
      place[i] = places.take(all[i].tokens * all[i].weight.cols * 4);
  static DeviceBuffer memory;
  auto* const begin = static_cast<std::byte*>(memory.reserve(places.bytes()));
  for (size_t i = 0; i < all.size(); ++i) {
    LinearParams& params = all[i];
    if (!is_integer(params.activation))
      continue;
    auto* const out = reinterpret_cast<float*>(begin + place[i]);
    prepare_activations(
        params.x,
        params.x_stride,
        params.tokens,
        params.weight.cols,
        params.activation,
        false,
        out);
    params.x = out;
    params.x_stride = params.weight.cols;
    params.activation = ActivationFormat::f32;
  }
  return all;
}

void prepare_inputs(
    std::span<const LinearParams> products, std::span<RowsJob> jobs) {
  const int64_t tokens = products.front().tokens;
  Places places;
  std::vector<InputJob> inputs;
  std::vector<int64_t> numbers;
  std::vector<int64_t> sums;
  std::vector<size_t> input_of(products.size());
  for (size_t i = 0; i < products.size(); ++i) {
    size_t first = 0;
    while (!same_input(products[first], products[i]))
      ++first;
    if (first < i) {
      input_of[i] = input_of[first];
    } else {
      const RowsJob& job = jobs[i];
      input_of[i] = inputs.size();
      inputs.push_back(
          {.x = job.x,
           .x_stride = job.x_stride,
           .cols = job.weight.cols,
           .padded = job.padded,
           .order = input_order(job.weight.format),
           .rounded = job.rounded});
      numbers.push_back(
          places.take((job.rounded ? 1 : 3) * tokens * job.padded * 2));
      sums.push_back(places.take(tokens * job.padded / 32 * 4));
    }
  }
  static DeviceBuffer memory;
  auto* const begin = static_cast<std::byte*>(memory.reserve(places.bytes()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].inputs = reinterpret_cast<uint16_t*>(begin + numbers[i]);
    inputs[i].sums = reinterpret_cast<float*>(begin + sums[i]);
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].inputs = inputs[input_of[i]].inputs;
    jobs[i].input_sums = inputs[input_of[i]].sums;
  }
  for (size_t i = 0; i < inputs.size(); i += kMostRowsJobs)
    start(
        inputs.data() + i,
        static_cast<int>(std::min<size_t>(kMostRowsJobs, inputs.size() - i)),
        tokens);
}

}  // namespace hadal::cuda
