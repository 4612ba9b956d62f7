// Products on a GPU as shares of what the card copies: single large matrices,
// and the groups of products that a decode step of the models has. Calls are
// replayed as a graph, as in a decode step; weights rotate among copies that
// are together larger than the card's caches.
//   hadal_cuda_bench [words]   only lines whose name holds one of the words
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/stage.h"
#include "kernels/cuda/view_bytes.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

class Event {
 public:
  Event() { cuda::check(cudaEventCreate(&event_), "an event"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record() const {
    cuda::check(cudaEventRecord(event_, cuda::stream()), "an event");
  }
  double seconds_since(const Event& begin) const {
    cuda::check(cudaEventSynchronize(event_), "running a kernel");
    float milliseconds = 0;
    cuda::check(
        cudaEventElapsedTime(&milliseconds, begin.event_, event_), "a time");
    return milliseconds / 1e3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

// Median seconds of one of `count` calls, which are replayed as one graph. What
// it takes to start the graph and to hear of its end is shared by all.
template <class Call>
double seconds_of(int count, const Call& call) {
  const Event begin;
  const Event end;
  std::vector<double> times;
  // A pass is a graph from the third time on.
  constexpr int kWarmUp = 4;
  constexpr int kPasses = 7;
  for (int pass = 0; pass < kWarmUp + kPasses; ++pass) {
    cuda::begin_recording(true);
    for (int i = 0; i < count; ++i)
      call(i);
    begin.record();
    cuda::flush_recording();
    end.record();
    cuda::end_recording();
    if (pass >= kWarmUp)
      times.push_back(end.seconds_since(begin) / count);
  }
  std::nth_element(times.begin(), times.begin() + kPasses / 2, times.end());
  return times[kPasses / 2];
}

// Bytes read and written a second.
double copy_rate() {
  constexpr int64_t kBytes = int64_t{2} << 30;
  cuda::DeviceBuffer from;
  cuda::DeviceBuffer to;
  from.reserve(kBytes);
  to.reserve(kBytes);
  double best = 0;
  const Event begin;
  const Event end;
  for (int i = 0; i < 8; ++i) {
    begin.record();
    cuda::check(
        cudaMemcpyAsync(
            to.reserve(kBytes),
            from.reserve(kBytes),
            kBytes,
            cudaMemcpyDeviceToDevice,
            cuda::stream()),
        "a copy");
    end.record();
    best = std::max(best, 2.0 * kBytes / end.seconds_since(begin));
  }
  return best;
}

// A product of a group: a weight, and whether it shares the group's input.
struct Part {
  WeightView like;
  ActivationFormat activation;
  bool own_input = false;
};

struct Group {
  std::string name;
  std::vector<Part> parts;
};

double bytes_of(const WeightView& view) {
  const cuda::ViewBytes bytes = cuda::view_bytes(view);
  return static_cast<double>(
      bytes.data + bytes.scales * (view.biases != nullptr ? 2 : 1));
}

void time_group(
    const Group& group, std::span<const int64_t> token_counts, double rate) {
  cuda::Stage stage;
  std::vector<RandomWeight> weights;
  double total = 0;
  for (const Part& part : group.parts) {
    weights.emplace_back(part.like, weights.size() + 1);
    total += bytes_of(weights.back().view());
  }
  const int copies = std::max(2, static_cast<int>(300e6 / total) + 1);
  std::vector<std::vector<WeightView>> views(static_cast<size_t>(copies));
  for (auto& copy : views)
    for (const RandomWeight& weight : weights)
      copy.push_back(stage.in(weight.view()));
  for (const int64_t tokens : token_counts) {
    std::vector<LinearParams> products;
    const float* shared = nullptr;
    for (const Part& part : group.parts) {
      const int64_t cols = part.like.cols;
      const std::vector<float> x = random_values(tokens * cols, 2);
      const std::vector<float> y(static_cast<size_t>(tokens * part.like.rows));
      const float* input = shared;
      if (shared == nullptr || part.own_input)
        input = stage.in(x.data(), static_cast<int64_t>(x.size()));
      if (!part.own_input)
        shared = input;
      products.push_back(
          {.x = input,
           .x_stride = cols,
           .y = stage.in(y.data(), static_cast<int64_t>(y.size())),
           .y_stride = part.like.rows,
           .tokens = tokens,
           .activation = part.activation});
    }
    const int rounds = static_cast<int>(3e9 / total) / copies + 1;
    const double seconds = seconds_of(rounds * copies, [&](int i) {
      for (size_t p = 0; p < products.size(); ++p)
        products[p].weight = views[static_cast<size_t>(i % copies)][p];
      linear_many_cuda(products);
    });
    fmt::print(
        "{:28} {:4} tokens: {:8.2f} us, {:5.0f} GB/s, {:3.0f} %\n",
        group.name,
        tokens,
        seconds * 1e6,
        total / seconds / 1e9,
        100 * total / seconds / rate);
  }
}

WeightView sized(WeightView like, int64_t rows, int64_t cols) {
  like.rows = rows;
  like.cols = cols;
  return like;
}

std::vector<Group> groups() {
  using enum WeightFormat;
  constexpr auto kHalf = ActivationFormat::bf16;
  constexpr auto kFull = ActivationFormat::f32;
  const WeightView half = {.format = bf16};
  const WeightView fp8 = {
      .format = fp8_block, .scale_format = ScaleFormat::e8m0};
  const WeightView fp8_apart = {
      .format = fp8_block, .scale_format = ScaleFormat::f32};
  const WeightView micro8 = {
      .format = mxfp8, .scale_format = ScaleFormat::e8m0};
  const WeightView micro4 = {
      .format = mxfp4, .scale_format = ScaleFormat::e8m0};
  const auto packed = [](int bits) {
    return WeightView{
        .format = affine,
        .scale_format = ScaleFormat::bf16,
        .bits = static_cast<uint8_t>(bits),
        .group = 64};
  };
  std::vector<Group> all;
  const auto large = [&](const char* name, WeightView like, auto activation) {
    all.push_back({name, {{sized(like, 16384, 4096), activation}}});
  };
  large("fp8", fp8, kHalf);
  large("mxfp8", micro8, kHalf);
  large("mxfp4", micro4, kHalf);
  for (const int bits : {4, 8, 2, 3, 5, 6})
    large(fmt::format("affine{}", bits).c_str(), packed(bits), kHalf);
  large("bf16", half, kHalf);
  large("bf16, f32", half, kFull);
  large("fp8, f32 scales", fp8_apart, kHalf);
  large("fp8, f32", fp8, kFull);
  large("mxfp4, f32", micro4, kFull);
  large("affine4, f32", packed(4), kFull);
  all.push_back(
      {"attention inputs",
       {{sized(fp8, 1024, 4096), kHalf},
        {sized(fp8, 512, 4096), kHalf},
        {sized(half, 1024, 4096), kFull},
        {sized(half, 1024, 4096), kFull},
        {sized(half, 256, 4096), kFull},
        {sized(half, 256, 4096), kFull},
        {sized(half, 64, 4096), kHalf}}});
  all.push_back(
      {"wq_a and wkv",
       {{sized(fp8, 1024, 4096), kHalf}, {sized(fp8, 512, 4096), kHalf}}});
  all.push_back({"wq_b", {{sized(fp8, 32768, 1024), kHalf}}});
  all.push_back(
      {"wq_b and the indexer's",
       {{sized(fp8, 32768, 1024), kHalf}, {sized(fp8, 8192, 1024), kHalf}}});
  Group outputs = {"wo_a", {}};
  for (int i = 0; i < 8; ++i)
    outputs.parts.push_back({sized(fp8, 1024, 4096), kHalf, true});
  all.push_back(outputs);
  all.push_back({"wo_b", {{sized(fp8, 4096, 8192), kHalf}}});
  all.push_back({"gate", {{sized(half, 256, 4096), kFull}}});
  return all;
}

void run(std::span<char*> words) {
  if (const std::string reason = missing_cuda_device(); !reason.empty()) {
    fmt::print("{}\n", reason);
    return;
  }
  const double rate = copy_rate();
  fmt::print("{}: copies {:.0f} GB/s\n", cuda_device_name(), rate / 1e9);
  constexpr int64_t kTokens[] = {1, 8, 16, 64};
  for (const Group& group : groups()) {
    const bool wanted =
        std::any_of(words.begin(), words.end(), [&](const char* word) {
          return group.name.find(word) != std::string::npos;
        });
    if (words.empty() || wanted)
      time_group(group, kTokens, rate);
  }
}

}  // namespace
}  // namespace hadal

int main(int count, char** arguments) {
  try {
    hadal::run(std::span(arguments, static_cast<size_t>(count)).subspan(1));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
