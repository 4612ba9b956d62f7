#include "kernels/linear/wide_product.h"

#include <algorithm>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/linear/wide_launch.h"

namespace hadal::cuda {
namespace {

// Fewer tokens are the row kernels' (matrix_rows.h).
constexpr int64_t kFewestTokens = 48;

bool is_aligned(const std::byte* data, uintptr_t bytes) {
  return reinterpret_cast<uintptr_t>(data) % bytes == 0;
}

}  // namespace

bool takes_wide_product(
    const WeightView& weight, int64_t tokens, ActivationFormat activation) {
  return activation == ActivationFormat::bf16 && tokens >= kFewestTokens &&
         is_taken_wide(weight) && is_aligned(weight.data, 16) &&
         is_aligned(weight.scales, 4);
}

void wide_products(std::span<const LinearParams> products) {
  // Inputs that several products share are prepared once.
  struct Work {
    WideKind kind;
    size_t input;
    int tile;
    bool done = false;
  };
  WideRoom room;
  std::vector<WideLayout> inputs;
  std::vector<Work> work;
  for (const LinearParams& params : products) {
    const WideKind kind = wide_kind(params.weight).value();
    const auto same = std::find_if(
        inputs.begin(), inputs.end(), [&](const WideLayout& other) {
          const WideInput& input = other.input;
          return input.x == params.x && input.x_stride == params.x_stride &&
                 input.tokens == params.tokens &&
                 input.cols == params.weight.cols &&
                 input.order == wide_order(kind) &&
                 (!is_affine(kind) || input.group == params.weight.group);
        });
    work.push_back(
        {kind,
         static_cast<size_t>(same - inputs.begin()),
         best_wide_tile(
             kind, params.tokens, wide_row_pairs(params.weight.rows))});
    if (same != inputs.end())
      continue;
    WideLayout layout(kind, params.weight, (params.tokens + 7) / 8 * 8, room);
    layout.input.x = params.x;
    layout.input.x_stride = params.x_stride;
    layout.input.tokens = static_cast<int32_t>(params.tokens);
    inputs.push_back(layout);
  }
  static DeviceBuffer memory;
  auto* const base = memory.reserve_array<std::byte>(room.used());
  for (WideLayout& layout : inputs) {
    layout.place(base);
    prepare_wide_input(layout.input);
  }
  // Products that one kernel multiplies go together.
  for (size_t i = 0; i < work.size(); ++i) {
    if (work[i].done)
      continue;
    WideLaunch what;
    what.tokens = static_cast<int32_t>(products[i].tokens);
    int64_t units = 0;
    for (size_t j = i; j < work.size() && what.count < kMostWideJobs; ++j) {
      const LinearParams& params = products[j];
      if (work[j].done || work[j].kind != work[i].kind ||
          work[j].tile != work[i].tile || params.tokens != products[i].tokens)
        continue;
      work[j].done = true;
      what.jobs[what.count++] = wide_job(
          inputs[work[j].input].input,
          params.weight,
          params.y,
          params.y_stride);
      units += wide_row_pairs(params.weight.rows) *
               ((params.tokens + work[j].tile - 1) / work[j].tile);
    }
    start_wide(work[i].kind, work[i].tile, what, units);
  }
}

}  // namespace hadal::cuda
