// Attention at the sizes of Flash over caches of 4 K to 1 M tokens: one token,
// a draft of eight, and tokens of a prompt. Layers of ratio 4 attend to 512
// selected rows whatever the context, those of ratio 128 to all.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/bench_rows.h"
#include "kernels/bench_tools.h"
#include "kernels/rotary/rotary.h"
#include "kernels/sparse_attention/sparse_attention_params.h"

namespace hadal {
namespace {

constexpr int64_t kHeads = 64;
constexpr int64_t kDim = 512;
constexpr int64_t kRotary = 64;
constexpr int64_t kWindow = 128;
constexpr int64_t kTopK = 512;
constexpr RowLayout kLayout{RowFormat::fp8, kDim, kRotary};

struct Inputs {
  Inputs(int64_t context, int64_t tokens, int64_t ratio)
      : compressed(kLayout, (context + tokens) / ratio),
        window(kLayout, kWindow + tokens),
        q(random_values(tokens * kHeads * kDim, 1)),
        out(q.size()),
        sink(kHeads, 0.5f),
        frequencies(rotary_frequencies(160000.0, kRotary)) {
    params.q = q.data();
    params.out = out.data();
    params.tokens = tokens;
    params.heads = kHeads;
    params.dim = kDim;
    params.first_position = context;
    params.window = kWindow;
    params.sink = sink.data();
    params.scale = 1.0f / std::sqrt(static_cast<float>(kDim));
    params.window_layout = kLayout;
    params.ring = window.data();
    params.ring_capacity = kWindow;
    params.chunk_rows = window.data() + kWindow * kLayout.row_bytes();
    params.ratio = ratio;
    params.compressed = compressed.paged();
    params.output_rotary = kRotary;
    params.output_frequencies = frequencies.data();
    if (ratio == 4)
      select(context, tokens);
  }

  // Rows spread evenly over what a token sees.
  void select(int64_t context, int64_t tokens) {
    for (int64_t t = 0; t < tokens; ++t) {
      const int64_t visible = (context + t + 1) / 4;
      counts.push_back(static_cast<int32_t>(std::min(kTopK, visible)));
      for (int64_t i = 0; i < kTopK; ++i)
        selected.push_back(static_cast<int32_t>(i * visible / kTopK));
    }
    params.selected = selected.data();
    params.selected_stride = kTopK;
    params.counts = counts.data();
  }

  double keys() const {
    double all = 0;
    for (int64_t t = 0; t < params.tokens; ++t) {
      const int64_t visible = (params.first_position + t + 1) / params.ratio;
      all += static_cast<double>(
          kWindow + (params.ratio == 4 ? std::min(kTopK, visible) : visible));
    }
    return all;
  }

  BenchRows compressed;
  BenchRows window;
  std::vector<float> q;
  std::vector<float> out;
  std::vector<float> sink;
  std::vector<float> frequencies;
  std::vector<int32_t> selected;
  std::vector<int32_t> counts;
  SparseAttentionParams params;
};

void declare(KernelBenches& benches) {
  for (const int64_t tokens : {1, 8, 64}) {
    for (const int64_t ratio : {4, 128}) {
      for (const int64_t kilo : {1, 4, 16, 64, 256, 1024}) {
        if (tokens > 1 && kilo > 64)
          continue;
        const auto inputs =
            std::make_shared<Inputs>(kilo * 1024, tokens, ratio);
        const double keys = inputs->keys();
        benches.add(
            "ratio " + std::to_string(ratio) + ", " + std::to_string(kilo) +
                " K, tokens " + std::to_string(tokens),
            {.bytes = tokens > 1
                          ? 0
                          : keys * static_cast<double>(kLayout.row_bytes()),
             .operations = 4.0 * kHeads * kDim * keys,
             .arithmetic = Arithmetic::fp32_fma},
            [inputs, &benches] {
              cpu_backend().sparse_attention(inputs->params, benches.team());
            });
      }
    }
  }
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  return hadal::run_kernel_benches(argc, argv, hadal::declare);
}
