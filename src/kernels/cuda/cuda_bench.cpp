// Single products on a GPU as shares of what the card copies and multiplies.
// Weights are larger than the card's caches, or rotate among several.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/stage.h"
#include "kernels/cuda/view_bytes.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

// Median seconds of a call, by the device's own clock.
template <class Call>
double seconds_of(const Call& call) {
  cudaEvent_t begin;
  cudaEvent_t end;
  cuda::check(cudaEventCreate(&begin), "an event");
  cuda::check(cudaEventCreate(&end), "an event");
  std::vector<double> times;
  constexpr int kWarmUp = 3;
  for (int i = 0; i < 20 + kWarmUp; ++i) {
    cuda::check(cudaEventRecord(begin, cuda::stream()), "an event");
    call(i);
    cuda::check(cudaEventRecord(end, cuda::stream()), "an event");
    cuda::check(cudaEventSynchronize(end), "running a kernel");
    float milliseconds = 0;
    cuda::check(cudaEventElapsedTime(&milliseconds, begin, end), "a time");
    if (i >= kWarmUp)
      times.push_back(milliseconds / 1e3);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::nth_element(times.begin(), times.begin() + 10, times.end());
  return times[10];
}

// Bytes read and written a second.
double copy_rate() {
  constexpr int64_t kBytes = int64_t{2} << 30;
  cuda::DeviceBuffer from;
  cuda::DeviceBuffer to;
  from.reserve(kBytes);
  to.reserve(kBytes);
  const double seconds = seconds_of([&](int) {
    cuda::check(
        cudaMemcpyAsync(
            to.reserve(kBytes),
            from.reserve(kBytes),
            kBytes,
            cudaMemcpyDeviceToDevice,
            cuda::stream()),
        "a copy");
  });
  return 2.0 * kBytes / seconds;
}

void time_product(
    const char* name,
    WeightView like,
    ActivationFormat activation,
    double bandwidth) {
  like.rows = 16384;
  like.cols = 4096;
  const RandomWeight weight(like, 1);
  cuda::Stage stage;
  const cuda::ViewBytes bytes = cuda::view_bytes(weight.view());
  const auto total = static_cast<double>(
      bytes.data + bytes.scales * (weight.view().biases != nullptr ? 2 : 1));
  const int copies = std::max(1, static_cast<int>(400e6 / total));
  std::vector<WeightView> views;
  for (int i = 0; i < copies; ++i)
    views.push_back(stage.in(weight.view()));
  for (const int64_t tokens : {1, 8, 64, 512}) {
    const std::vector<float> x = random_values(tokens * like.cols, 2);
    std::vector<float> y(static_cast<size_t>(tokens * like.rows));
    LinearParams params{
        .x = stage.in(x.data(), static_cast<int64_t>(x.size())),
        .x_stride = like.cols,
        .y = stage.in(y.data(), static_cast<int64_t>(y.size())),
        .y_stride = like.rows,
        .tokens = tokens,
        .activation = activation};
    const double seconds = seconds_of([&](int i) {
      params.weight = views[static_cast<size_t>(i % copies)];
      linear_cuda(params);
    });
    const double operations = 2.0 * static_cast<double>(tokens) *
                              static_cast<double>(like.rows * like.cols);
    fmt::print(
        "{:10} {:4} tokens: {:8.1f} us, {:6.0f} GB/s ({:3.0f} % of the copy "
        "rate), {:6.1f} Top/s\n",
        name,
        tokens,
        seconds * 1e6,
        total / seconds / 1e9,
        100 * total / seconds / bandwidth,
        operations / seconds / 1e12);
  }
}

void run() {
  if (const std::string reason = missing_cuda_device(); !reason.empty()) {
    fmt::print("{}\n", reason);
    return;
  }
  const double bandwidth = copy_rate();
  fmt::print("{}: copies {:.0f} GB/s\n", cuda_device_name(), bandwidth / 1e9);
  using enum WeightFormat;
  time_product("bf16", {.format = bf16}, ActivationFormat::bf16, bandwidth);
  time_product(
      "fp8",
      {.format = fp8_block, .scale_format = ScaleFormat::e8m0},
      ActivationFormat::bf16,
      bandwidth);
  time_product(
      "mxfp8",
      {.format = mxfp8, .scale_format = ScaleFormat::e8m0},
      ActivationFormat::bf16,
      bandwidth);
  time_product(
      "mxfp4",
      {.format = mxfp4, .scale_format = ScaleFormat::e8m0},
      ActivationFormat::int16,
      bandwidth);
  time_product(
      "fp8, f32",
      {.format = fp8_block, .scale_format = ScaleFormat::e8m0},
      ActivationFormat::f32,
      bandwidth);
  time_product(
      "affine4",
      {.format = affine,
       .scale_format = ScaleFormat::bf16,
       .bits = 4,
       .group = 64},
      ActivationFormat::int8,
      bandwidth);
}

}  // namespace
}  // namespace hadal

int main() {
  try {
    hadal::run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
