// What an operation of the team costs, alone and beside a process that keeps
// one of the cores busy. Times are medians and means of wall-clock time.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/huge_memory.h"
#include "base/thread_team.h"

namespace hadal {
namespace {

// A competitor that never sleeps, bound to the last core.
class Hog {
 public:
  Hog()
      : thread_([this] {
          bind_thread_to_core(cores_in_order().back());
          while (!stop_.load(std::memory_order_relaxed)) {
          }
        }) {}
  ~Hog() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

std::unique_ptr<Hog> hog(const benchmark::State& state) {
  return state.range(1) != 0 ? std::make_unique<Hog>() : nullptr;
}

// Two ranges of nothing.
void empty_operation(benchmark::State& state) {
  const auto competitor = hog(state);
  ThreadTeam team(static_cast<int>(state.range(0)));
  for (auto _ : state)
    team.parallel_for(2, 1, [](int64_t, int64_t, int) {});
}

// Ten ranges of half a microsecond each.
void short_operations(benchmark::State& state) {
  const auto competitor = hog(state);
  ThreadTeam team(static_cast<int>(state.range(0)));
  std::vector<float> rows(16 * 1024, 1.0F);
  for (auto _ : state)
    for (int i = 0; i < 30; ++i)
      team.parallel_for(1024, 1, [&](int64_t begin, int64_t end, int) {
        for (int64_t k = begin * 16; k < end * 16; ++k)
          rows[static_cast<size_t>(k)] =
              rows[static_cast<size_t>(k)] * 0.5F + 0.5F;
      });
}

// A sum over 160 MB, as a matrix product at one token reads it.
void memory_loop(benchmark::State& state) {
  constexpr int64_t kRows = 10000;
  constexpr int64_t kRowFloats = 4096;
  const auto competitor = hog(state);
  ThreadTeam team(static_cast<int>(state.range(0)));
  HugeMemory memory(kRows * kRowFloats * sizeof(float));
  auto* const data = reinterpret_cast<float*>(memory.data());
  std::fill_n(data, kRows * kRowFloats, 1.0F);
  std::vector<float> sums(kRows);
  for (auto _ : state) {
    team.parallel_for(kRows, 4, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r) {
        const float* row = data + r * kRowFloats;
        float lanes[64] = {};
        for (int64_t k = 0; k < kRowFloats; k += 64)
          for (int64_t i = 0; i < 64; ++i)
            lanes[i] += row[k + i];
        sums[static_cast<size_t>(r)] = lanes[0] + lanes[63];
      }
    });
    benchmark::DoNotOptimize(sums.data());
  }
  state.SetBytesProcessed(
      state.iterations() * kRows * kRowFloats *
      static_cast<int64_t>(sizeof(float)));
}

void arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"threads", "hog"})
      ->Args({1, 0})
      ->Args({1, 1})
      ->Args({2, 0})
      ->Args({2, 1})
      ->UseRealTime();
}

BENCHMARK(empty_operation)->Apply(arguments);
BENCHMARK(short_operations)->Apply(arguments);
BENCHMARK(memory_loop)->Apply(arguments)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace hadal

BENCHMARK_MAIN();
