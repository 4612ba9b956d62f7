// What the engine costs beside the executor: sequences that decode together
// with the bundled model.
#include <benchmark/benchmark.h>

#include <atomic>
#include <string>

#include "engine/batch_engine.h"
#include "engine/testing.h"

namespace hadal {
namespace {

class Counter : public EngineObserver {
 public:
  Continue on_token(const EngineToken&) override { return Continue::yes; }
  void on_end(const EngineEnd&) override {
    done = true;
    done.notify_all();
  }
  std::atomic<bool> done = false;
};

// Arguments: sequences, log-probabilities (-1: none).
void decode(benchmark::State& state) {
  const Model model =
      Model::load(testing::nano_options(Precision::standard, 0));
  BatchEngine engine(model, {.max_sequences = state.range(0)});
  uint64_t seed = 0;
  EngineStatus before = engine.status();
  for (auto _ : state) {
    std::vector<std::shared_ptr<Counter>> counters;
    for (int64_t i = 0; i < state.range(0); ++i) {
      EngineRequest request;
      request.prompt = testing::sample_tokens(64, ++seed);
      request.sampling = {
          .seed = seed, .logprobs = static_cast<int>(state.range(1))};
      request.max_tokens = 100;
      request.observer = counters.emplace_back(std::make_shared<Counter>());
      engine.submit(std::move(request));
    }
    for (const auto& counter : counters)
      counter->done.wait(false);
  }
  const EngineStatus after = engine.status();
  const double busy = after.busy_seconds - before.busy_seconds;
  const double inside = after.executor_seconds - before.executor_seconds;
  const auto steps = static_cast<double>(after.steps - before.steps);
  state.counters["overhead_percent"] = 100 * (busy - inside) / busy;
  state.counters["outside_us_per_step"] = 1e6 * (busy - inside) / steps;
  state.counters["step_us"] = 1e6 * inside / steps;
  state.counters["tokens_per_s"] =
      static_cast<double>(after.generated_tokens - before.generated_tokens) /
      busy;
}
BENCHMARK(decode)
    ->Args({1, -1})
    ->Args({16, -1})
    ->Args({16, 5})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace hadal

BENCHMARK_MAIN();
