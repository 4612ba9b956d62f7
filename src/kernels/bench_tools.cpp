#include "kernels/bench_tools.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <string_view>
#include <utility>

namespace hadal {
namespace {

void show_ceilings(const Ceilings& ceilings) {
  benchmark::AddCustomContext("instruction set", ceilings.instruction_set);
  benchmark::AddCustomContext(
      "threads of the team", fmt::format("{}", ceilings.threads));
  benchmark::AddCustomContext(
      "read bandwidth",
      fmt::format("{:.1f} GB/s", ceilings.read_bytes_per_second / 1e9));
  for (int i = 0; i < kArithmeticCount; ++i)
    benchmark::AddCustomContext(
        std::string(name(static_cast<Arithmetic>(i))),
        fmt::format("{:.0f} Gop/s", ceilings.peaks[i] / 1e9));
}

void run_row(
    benchmark::State& state,
    const std::function<void()>& run,
    const BenchWork& work,
    const Ceilings& ceilings) {
  run();
  for (auto _ : state)
    run();
  const double calls = static_cast<double>(state.iterations());
  using benchmark::Counter;
  if (work.bytes > 0) {
    state.counters["GB/s"] =
        Counter(calls * work.bytes / 1e9, Counter::kIsRate);
    state.counters["of_read"] = Counter(
        calls * work.bytes / ceilings.read_bytes_per_second, Counter::kIsRate);
  }
  const double peak = ceilings.peak(work.arithmetic);
  if (work.operations > 0) {
    state.counters["Gop/s"] =
        Counter(calls * work.operations / 1e9, Counter::kIsRate);
    if (peak > 0)
      state.counters["of_peak"] =
          Counter(calls * work.operations / peak, Counter::kIsRate);
  }
}

// Takes --threads=N out of the arguments; 0 when it is not a number.
int take_threads(int& argc, char** argv) {
  constexpr std::string_view kFlag = "--threads=";
  int threads = available_cores();
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kFlag)) {
      argv[kept++] = argv[i];
      continue;
    }
    const std::string_view number = argument.substr(kFlag.size());
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), threads);
    if (error != std::errc{} || end != number.data() + number.size())
      threads = 0;
  }
  argc = kept;
  return threads;
}

}  // namespace

KernelBenches::KernelBenches(int threads)
    : team_(threads), ceilings_(measure_ceilings(team_)) {
  show_ceilings(ceilings_);
}

void KernelBenches::add(
    const std::string& name, const BenchWork& work, std::function<void()> run) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [run = std::move(run), work, this](benchmark::State& state) {
        run_row(state, run, work, ceilings_);
      })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

int run_kernel_benches(
    int argc, char** argv, const std::function<void(KernelBenches&)>& declare) {
  const int threads = take_threads(argc, argv);
  if (threads < 1) {
    std::fputs("--threads: expected a number of at least 1\n", stderr);
    return 2;
  }
  // The program's own flags come after the default, so they win.
  std::string min_time = "--benchmark_min_time=0.3";
  std::vector<char*> arguments = {argv[0], min_time.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data()))
    return 2;
  KernelBenches benches(threads);
  declare(benches);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace hadal
