// The hyper-connections at the sizes of Flash: at one token they are bound by
// the mixing matrix, which comes from memory; at many by its products.
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/bench_tools.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kStreams = 4;
constexpr int64_t kDim = 4096;
constexpr int64_t kOutputs = 2 * kStreams + kStreams * kStreams;

struct Tensors {
  explicit Tensors(int64_t count)
      : tokens(count),
        streams(random_values(count * kStreams * kDim, 1)),
        y(random_values(count * kDim, 2)),
        x(static_cast<size_t>(count * kDim)),
        // So that streams that are mixed in place again and again stay finite.
        post(static_cast<size_t>(count * kStreams), 0.1F),
        comb(static_cast<size_t>(count * kStreams * kStreams), 0.2F),
        new_post(post.size()),
        new_comb(comb.size()) {}

  HyperConnectionPreParams pre(const WeightView& fn) {
    static const std::vector<float> base = random_values(kOutputs, 3, 0.5F);
    static const std::vector<float> weight(kDim, 1.0F);
    static constexpr float kScale[3] = {0.7F, 0.4F, 1.3F};
    return {
        .streams = streams.data(),
        .tokens = tokens,
        .n = kStreams,
        .dim = kDim,
        .fn = fn,
        .base = base.data(),
        .scale = kScale,
        .sinkhorn_iterations = 20,
        .norm_eps = 1e-6F,
        .hc_eps = 1e-6F,
        .norm_weight = weight.data(),
        .x = x.data(),
        .post = new_post.data(),
        .comb = new_comb.data()};
  }

  HyperConnectionPostParams after() {
    return {
        .y = y.data(),
        .streams = streams.data(),
        .post = post.data(),
        .comb = comb.data(),
        .tokens = tokens,
        .n = kStreams,
        .dim = kDim,
        .out = streams.data()};
  }

  int64_t tokens;
  std::vector<float> streams;
  std::vector<float> y;
  std::vector<float> x;
  std::vector<float> post;
  std::vector<float> comb;
  std::vector<float> new_post;
  std::vector<float> new_comb;
};

void declare(KernelBenches& benches) {
  const Backend& backend = cpu_backend();
  ThreadTeam& team = benches.team();
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16}) {
    const auto fn = std::make_shared<ColdWeights>(WeightView{
        .format = format, .rows = kOutputs, .cols = kStreams * kDim});
    const std::string name = format == WeightFormat::f32 ? ", f32" : ", bf16";
    for (const int64_t tokens : {1, 8, 256}) {
      const auto tensors = std::make_shared<Tensors>(tokens);
      // Of many tokens' streams everything is read and written once at least.
      const double streams =
          tokens < 64 ? 0 : static_cast<double>(tokens * kStreams * kDim * 4);
      const BenchWork pre{
          .bytes = fn->bytes_of_one() + streams,
          .operations =
              2.0 * static_cast<double>(tokens * kOutputs * kStreams * kDim)};
      const BenchWork between{
          .bytes = pre.bytes + streams, .operations = pre.operations};
      const std::string of = name + ", " + std::to_string(tokens) + " tokens";
      benches.add("pre" + of, pre, [=, &backend, &team] {
        backend.hyper_connection_pre(tensors->pre(fn->next()), team);
      });
      benches.add("between" + of, between, [=, &backend, &team] {
        backend.hyper_connection_between(
            {.post = tensors->after(), .pre = tensors->pre(fn->next())}, team);
      });
      if (format == WeightFormat::f32)
        benches.add(
            "post, " + std::to_string(tokens) + " tokens",
            {.bytes = 2 * streams},
            [=, &backend, &team] {
              backend.hyper_connection_post(tensors->after(), team);
            });
    }
  }
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  return hadal::run_kernel_benches(argc, argv, hadal::declare);
}
