// The mixture of experts on a GPU at the sizes of Flash, as a share of what the
// card copies: 256 experts in device memory, six of them a token, chosen anew
// for every call, so that no cache holds them.
//
// Usage: hadal_experts_cuda_bench [format of the table below] [tokens ...]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "hadal/error.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/stage.h"
#include "kernels/cuda/view_bytes.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kHidden = 4096;
constexpr int64_t kInner = 2048;
constexpr int kExperts = 256;
constexpr int kPerToken = 6;
constexpr int kCalls = 24;  // between two looks at the clock
constexpr int kRounds = 7;

struct Recipe {
  const char* name;
  WeightView routed;  // format only
  WeightView shared;
};

constexpr WeightView kBlocks = {
    .format = WeightFormat::fp8_block, .scale_format = ScaleFormat::e8m0};
constexpr WeightView kFp4 = {
    .format = WeightFormat::mxfp4, .scale_format = ScaleFormat::e8m0};

constexpr WeightView affine(uint8_t bits) {
  return {
      .format = WeightFormat::affine,
      .scale_format = ScaleFormat::bf16,
      .bits = bits,
      .group = 64};
}

constexpr Recipe kRecipes[] = {
    {"release", kFp4, kBlocks},
    {"affine2", affine(2), affine(4)},
    {"affine4", affine(4), affine(4)},
    {"affine3", affine(3), affine(6)},
    {"mlx", kFp4, affine(8)},
    {"fp8", kBlocks, kBlocks},
};

// Median seconds of one of kCalls calls, by the device's clock.
template <class Call>
double seconds_of(const Call& call) {
  cudaEvent_t begin;
  cudaEvent_t end;
  cuda::check(cudaEventCreate(&begin), "an event");
  cuda::check(cudaEventCreate(&end), "an event");
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    cuda::check(cudaEventRecord(begin, cuda::stream()), "an event");
    for (int i = 0; i < kCalls; ++i)
      call(i);
    cuda::check(cudaEventRecord(end, cuda::stream()), "an event");
    cuda::check(cudaEventSynchronize(end), "running kernels");
    float milliseconds = 0;
    cuda::check(cudaEventElapsedTime(&milliseconds, begin, end), "a time");
    times.push_back(milliseconds / 1e3 / kCalls);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

// Bytes read and written a second.
double copy_rate() {
  constexpr int64_t kBytes = int64_t{1} << 30;
  cuda::DeviceBuffer from;
  cuda::DeviceBuffer to;
  void* const source = from.reserve(kBytes);
  void* const target = to.reserve(kBytes);
  return 2.0 * kBytes / seconds_of([&](int) {
           cuda::check(
               cudaMemcpyAsync(
                   target,
                   source,
                   kBytes,
                   cudaMemcpyDeviceToDevice,
                   cuda::stream()),
               "a copy");
         });
}

double stored(const WeightView& view) {
  const cuda::ViewBytes bytes = cuda::view_bytes(view);
  return static_cast<double>(
      bytes.data + bytes.scales * (view.biases != nullptr ? 2 : 1));
}

// `count` copies of one random matrix in device memory of their own.
class Matrices {
 public:
  Matrices(WeightView like, int64_t rows, int64_t cols, int count) {
    like.rows = rows;
    like.cols = cols;
    const RandomWeight weight(like, 1);
    cuda::Stage stage;
    const WeightView first = stage.in(weight.view());
    const cuda::ViewBytes bytes = cuda::view_bytes(weight.view());
    const auto copies = [&](const std::byte* from, int64_t size, auto put) {
      if (from == nullptr)
        return;
      const int64_t step = (size + 255) / 256 * 256;
      auto* const all =
          memory_.emplace_back().reserve_array<std::byte>(step * count);
      for (int i = 0; i < count; ++i) {
        cuda::check(
            cudaMemcpyAsync(
                all + i * step,
                from,
                static_cast<size_t>(size),
                cudaMemcpyDeviceToDevice,
                cuda::stream()),
            "a copy");
        put(views_[static_cast<size_t>(i)], all + i * step);
      }
    };
    views_.resize(static_cast<size_t>(count), first);
    copies(first.data, bytes.data, [](WeightView& view, std::byte* at) {
      view.data = at;
    });
    copies(first.scales, bytes.scales, [](WeightView& view, std::byte* at) {
      view.scales = at;
    });
    copies(first.biases, bytes.scales, [](WeightView& view, std::byte* at) {
      view.biases = at;
    });
    stage.finish();
  }

  const std::vector<WeightView>& views() const { return views_; }
  const WeightView& like() const { return views_[0]; }

 private:
  std::vector<cuda::DeviceBuffer> memory_;
  std::vector<WeightView> views_;
};

void time_recipe(
    const Recipe& recipe, const std::vector<int64_t>& counts, double copies) {
  const Matrices gate(recipe.routed, kInner, kHidden, kExperts);
  const Matrices up(recipe.routed, kInner, kHidden, kExperts);
  const Matrices down(recipe.routed, kHidden, kInner, kExperts);
  // Shared experts of as many layers, one a call.
  const Matrices shared_gate(recipe.shared, kInner, kHidden, kCalls);
  const Matrices shared_up(recipe.shared, kInner, kHidden, kCalls);
  const Matrices shared_down(recipe.shared, kHidden, kInner, kCalls);
  for (const int64_t tokens : counts) {
    cuda::Stage stage;
    const std::vector<float> x = random_values(tokens * kHidden, 2, 0.01F);
    std::vector<float> y(x.size());
    const std::vector<float> weights(
        static_cast<size_t>(tokens * kPerToken), 0.25F);
    RandomNumbers random(3);
    std::vector<const int32_t*> indices;
    double bytes = 0;
    for (int call = 0; call < kCalls; ++call) {
      std::vector<int32_t> chosen;
      std::set<int32_t> used;
      for (int64_t t = 0; t < tokens; ++t) {
        std::set<int32_t> ids;
        while (ids.size() < kPerToken)
          ids.insert(static_cast<int32_t>(random.bits() % kExperts));
        chosen.insert(chosen.end(), ids.begin(), ids.end());
        used.insert(ids.begin(), ids.end());
      }
      indices.push_back(
          stage.in(chosen.data(), static_cast<int64_t>(chosen.size())));
      cuda::check(cudaStreamSynchronize(cuda::stream()), "copying");
      bytes += static_cast<double>(used.size()) *
                   (2 * stored(gate.like()) + stored(down.like())) +
               2 * stored(shared_gate.like()) + stored(shared_down.like());
    }
    bytes /= kCalls;
    ExpertsCudaParams all{
        .params =
            {.x = stage.in(x.data(), static_cast<int64_t>(x.size())),
             .y = stage.in(y.data(), static_cast<int64_t>(y.size())),
             .tokens = tokens,
             .hidden = kHidden,
             .inner = kInner,
             .per_token = kPerToken,
             .weights =
                 stage.in(weights.data(), static_cast<int64_t>(weights.size())),
             .experts =
                 {stage.in(gate.views().data(), kExperts),
                  stage.in(up.views().data(), kExperts),
                  stage.in(down.views().data(), kExperts),
                  kExperts},
             .shared_gate = {},
             .shared_up = {},
             .shared_down = {},
             .limit = 10,
             .expert_activation = ActivationFormat::bf16,
             .shared_activation = ActivationFormat::bf16},
        .gate = gate.like(),
        .up = up.like(),
        .down = down.like()};
    const double seconds = seconds_of([&](int call) {
      const auto i = static_cast<size_t>(call);
      all.params.indices = indices[i];
      all.params.shared_gate = shared_gate.views()[i];
      all.params.shared_up = shared_up.views()[i];
      all.params.shared_down = shared_down.views()[i];
      experts_cuda(all);
    });
    fmt::print(
        "{:8} {:4} tokens: {:8.1f} us, {:7.1f} MB, {:5.0f} GB/s, {:5.1f} % of "
        "the copy rate\n",
        recipe.name,
        tokens,
        seconds * 1e6,
        bytes / 1e6,
        bytes / seconds / 1e9,
        100 * bytes / seconds / copies);
  }
}

void run(int count, char** words) {
  if (const std::string reason = missing_cuda_device(); !reason.empty()) {
    fmt::print("{}\n", reason);
    return;
  }
  std::vector<int64_t> tokens;
  for (int i = 2; i < count; ++i)
    tokens.push_back(std::atoi(words[i]));
  if (tokens.empty())
    tokens = {1, 2, 4, 8, 16, 64};
  const double copies = copy_rate();
  fmt::print("{}: copies {:.0f} GB/s\n", cuda_device_name(), copies / 1e9);
  for (const Recipe& recipe : kRecipes)
    if (count < 2 || std::strcmp(words[1], recipe.name) == 0)
      time_recipe(recipe, tokens, copies);
}

}  // namespace
}  // namespace hadal

int main(int count, char** words) {
  try {
    hadal::run(count, words);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
