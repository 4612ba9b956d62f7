#include "bench/kernel_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "bench/bench_model.h"

namespace hadal {
namespace {

constexpr int64_t kVocabulary = 16384;
constexpr int64_t kCachedTokens = 8192;
constexpr int64_t kPromptTokens = 128;
constexpr int kSteps = 8;

template <class Work>
StepProfile profile_of(
    BenchModel& model, std::string name, int runs, const Work& run) {
  using Clock = std::chrono::steady_clock;
  run();
  model.recorder().start();
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < runs; ++i)
    run();
  const std::chrono::duration<double> elapsed = Clock::now() - start;
  model.recorder().stop();
  return {
      std::move(name),
      model.threads(),
      elapsed.count(),
      runs,
      model.recorder().uses()};
}

double memory_seconds(const KernelUse& use, const Ceilings& ceilings) {
  return (use.weight_bytes + use.cache_bytes) / ceilings.read_bytes_per_second;
}

double arithmetic_seconds(const KernelUse& use, const Ceilings& ceilings) {
  return ideal_seconds(use.operations, ceilings) +
         ideal_seconds(use.score_operations, ceilings);
}

}  // namespace

KernelTimes time_kernels(int threads, const ExecutionDevice& device) {
  SyntheticSpec spec = parse_synthetic_spec("flash:layers=4,experts=8").value();
  spec.config.vocab_size = kVocabulary;
  const BenchNetwork network = make_bench_network(spec, threads, device);
  KernelTimes times;
  if (!device.memory->host_visible()) {
    times.ceilings = measure_cuda_ceilings(threads);
  } else {
    ThreadTeam team(threads);
    times.ceilings = measure_ceilings(team);
  }
  BenchModel model(network, threads);
  std::vector<SequenceCache> sequences;
  sequences.push_back(model.filled(kCachedTokens));
  times.profiles.push_back(profile_of(
      model, "one token, 8,192 cached", kSteps, [&model, &sequences] {
        model.step(sequences);
      }));
  times.profiles.push_back(
      profile_of(model, "a prompt of 128 tokens", 1, [&model] {
        model.prefill(kPromptTokens);
      }));
  return times;
}

double share_of_ceiling(const KernelUse& use, const Ceilings& ceilings) {
  const double ideal = std::max(
      memory_seconds(use, ceilings), arithmetic_seconds(use, ceilings));
  return ideal / use.seconds;
}

std::string times_text(const StepProfile& profile, const Ceilings& ceilings) {
  std::string text = fmt::format(
      "\n{:<44} {:>6} {:>10} {:>8}\n",
      "kernel (Flash, " + profile.name + ")",
      "calls",
      "ms a call",
      "share");
  const auto runs = static_cast<double>(profile.runs);
  for (const KernelUse& use : profile.kernels) {
    const double share = share_of_ceiling(use, ceilings);
    const bool memory =
        memory_seconds(use, ceilings) >= arithmetic_seconds(use, ceilings);
    text += fmt::format(
        "{:<44} {:>6.4g} {:>10.4f} {}\n",
        use.name,
        static_cast<double>(use.calls) / runs,
        use.seconds / static_cast<double>(use.calls) * 1e3,
        share > 0 ? fmt::format(
                        "{:>7.1f}% of {}",
                        share * 100,
                        memory ? "the read bandwidth" : "the arithmetic peak")
                  : fmt::format("{:>8}", "-"));
  }
  return text;
}

}  // namespace hadal
