// The indexer at the sizes of Flash over caches of 4 K to 1 M tokens, a row for
// every four: one token, a draft of eight, and tokens of a prompt.
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/bench_rows.h"
#include "kernels/bench_tools.h"
#include "kernels/indexer/indexer_params.h"

namespace hadal {
namespace {

constexpr int64_t kHeads = 64;
constexpr int64_t kDim = 128;
constexpr int64_t kTopK = 512;
constexpr RowLayout kLayout{RowFormat::fp4, kDim, 0};

struct Inputs {
  Inputs(int64_t context, int64_t tokens)
      : rows(kLayout, (context + tokens) / 4),
        q(random_values(tokens * kHeads * kDim, 1)),
        weights(random_values(tokens * kHeads, 2)),
        selected(tokens * kTopK),
        counts(tokens) {
    params.q = q.data();
    params.weights = weights.data();
    params.tokens = tokens;
    params.heads = kHeads;
    params.dim = kDim;
    params.first_position = context;
    params.rows = rows.paged();
    params.top_k = kTopK;
    params.selected = selected.data();
    params.counts = counts.data();
  }

  BenchRows rows;
  std::vector<float> q;
  std::vector<float> weights;
  std::vector<int32_t> selected;
  std::vector<int32_t> counts;
  IndexerParams params;
};

void declare(KernelBenches& benches) {
  for (const int64_t tokens : {1, 8, 64}) {
    for (const int64_t kilo : {4, 16, 64, 256, 1024}) {
      if (tokens > 1 && kilo > 64)
        continue;
      const auto inputs = std::make_shared<Inputs>(kilo * 1024, tokens);
      const double rows = static_cast<double>(kilo * 256);
      benches.add(
          std::to_string(kilo) + " K, tokens " + std::to_string(tokens),
          {.bytes = rows * static_cast<double>(kLayout.row_bytes()),
           .operations =
               2.0 * kHeads * kDim * rows * static_cast<double>(tokens),
           .arithmetic = Arithmetic::int8_dot},
          [inputs, &benches] {
            cpu_backend().indexer(inputs->params, benches.team());
          });
    }
  }
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  return hadal::run_kernel_benches(argc, argv, hadal::declare);
}
