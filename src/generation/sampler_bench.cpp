// What a sampled token costs at a vocabulary of 129,280, by options. One
// thread.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "generation/sampler.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kVocabulary = 129280;

// Logits as a model gives them: some tokens stand out, and the many others
// weigh little together.
std::vector<float> peaked() {
  std::vector<float> logits = random_values(kVocabulary, 1, 2);
  for (int64_t i = 0; i < 40; ++i)
    logits[static_cast<size_t>(i * 3001)] =
        20.0F - 0.2F * static_cast<float>(i);
  return logits;
}

// A broad field alone: thousands of tokens belong to every filter's choice.
std::vector<float> broad() {
  return random_values(kVocabulary, 1, 4);
}

void run(
    benchmark::State& state,
    const std::vector<float>& logits,
    SamplingOptions options) {
  options.seed = 1;
  std::vector<int32_t> prompt;
  for (int32_t i = 0; i < 4000; ++i)
    prompt.push_back(i * 7);
  Sampler sampler(options, kVocabulary, prompt);
  for (auto _ : state)
    sampler.accept(sampler.sample(logits).token);
}

void declare() {
  const std::vector<std::pair<std::string, SamplingOptions>> cases = {
      {"greedy", {.temperature = 0}},
      {"plain", {}},
      {"top_k 40", {.top_k = 40}},
      {"top_p 0.95", {.top_p = 0.95F}},
      {"min_p 0.05", {.min_p = 0.05F}},
      {"top_p and min_p", {.top_p = 0.95F, .min_p = 0.01F}},
      {"all filters and penalties",
       {.top_k = 50,
        .top_p = 0.95F,
        .min_p = 0.01F,
        .repetition_penalty = 1.1F,
        .presence_penalty = 0.5F,
        .frequency_penalty = 0.2F}},
      {"logprobs 20", {.logprobs = 20}},
  };
  for (const auto& [logits, name] :
       {std::pair{peaked(), "peaked, "}, std::pair{broad(), "broad, "}})
    for (const auto& [what, options] : cases)
      benchmark::RegisterBenchmark(
          (name + what).c_str(),
          [logits = logits, options = options](benchmark::State& state) {
            run(state, logits, options);
          })
          ->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  hadal::declare();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
