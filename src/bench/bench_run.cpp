#include "bench/bench_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/readable.h"
#include "bench/bench_rows.h"
#include "hadal/error.h"

namespace hadal {
namespace {

void check_contexts(const BenchOptions& options, const ModelConfig& config) {
  for (const int64_t context : options.contexts)
    if (context > config.max_position_embeddings)
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format(
              "context: found {} tokens, but the model was made for at most "
              "{}; ask for less",
              grouped(context),
              grouped(config.max_position_embeddings)));
}

Ceilings ceilings_of(
    const BenchOptions& options,
    int threads,
    const BenchHooks& hooks,
    const std::string& when) {
  announce(hooks, "ceilings" + threads_text(threads) + when);
  ThreadTeam team(threads);
  return measure_ceilings(team, options.ceiling_bytes);
}

}  // namespace

std::string threads_text(int threads) {
  return fmt::format(", {} thread{}", threads, threads == 1 ? "" : "s");
}

void announce(const BenchHooks& hooks, const std::string& what) {
  if (hooks.stop.stop_requested())
    throw Error(ErrorCode::cancelled, "stopped");
  if (hooks.on_start)
    hooks.on_start(what);
}

void time_row(
    const BenchOptions& options,
    const BenchHooks& hooks,
    const BandwidthProbe& probe,
    const std::function<void()>& run,
    BenchRow& row) {
  const double before = probe.measure();
  row.timing = measure(options.seconds, hooks.stop, run);
  row.read_bytes_per_second = std::max(before, probe.measure());
}

BenchReport run_bench(const BenchOptions& options, const BenchHooks& hooks) {
  BenchReport report;
  report.machine = examine_machine();
  for (const int threads : options.threads)
    report.ceilings.push_back(
        {ceilings_of(options, threads, hooks, ", before"), {}});
  if (options.kernels)
    for (const int threads : options.threads) {
      ThreadTeam team(threads);
      const BandwidthProbe probe(team, options.ceiling_bytes);
      add_kernel_rows(options, hooks, team, probe, report);
    }
  if (options.model) {
    announce(hooks, "the model");
    const int most =
        *std::max_element(options.threads.begin(), options.threads.end());
    const BenchNetwork network =
        options.synthetic ? make_bench_network(*options.synthetic, most)
                          : load_bench_network(options.checkpoint);
    report.model = network.name;
    check_contexts(options, network.network->config);
    for (const int threads : options.threads) {
      ThreadTeam team(threads);
      const BandwidthProbe probe(team, options.ceiling_bytes);
      BenchModel model(network, threads);
      add_model_rows(options, hooks, model, probe, report);
    }
  }
  for (CeilingPair& pair : report.ceilings)
    pair.after = ceilings_of(options, pair.before.threads, hooks, ", after");
  report.settle();
  return report;
}

}  // namespace hadal
