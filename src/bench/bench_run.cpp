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
  if (options.cuda)
    return measure_cuda_ceilings(threads);
  ThreadTeam team(threads);
  return measure_ceilings(team, options.ceiling_bytes);
}

// Times the model's steps with so many threads.
void add_model(
    const BenchOptions& options,
    const BenchHooks& hooks,
    const BenchNetwork& network,
    int threads,
    BenchReport& report) {
  BenchModel model(network, threads);
  if (options.cuda) {
    add_model_rows(options, hooks, model, cuda_memory_rate, report);
    return;
  }
  ThreadTeam team(threads);
  const BandwidthProbe probe(team, options.ceiling_bytes);
  add_model_rows(
      options, hooks, model, [&probe] { return probe.measure(); }, report);
}

// How long the weights took to the GPU, beside what the link can do.
void add_upload_row(const BenchNetwork& network, BenchReport& report) {
  BenchRow row;
  row.name = "weights to the GPU";
  row.unit = "GB/s";
  row.threads = report.ceilings.front().before.threads;
  row.timing = network.upload;
  row.weight_bytes = network.uploaded_bytes;
  row.units = row.weight_bytes / 1e9;
  row.read_bytes_per_second =
      report.ceilings.front().before.host_to_device_bytes_per_second;
  report.rows.push_back(row);
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
    const MemoryRate& rate,
    const std::function<void()>& run,
    BenchRow& row) {
  const double before = rate();
  row.timing = measure(options.seconds, hooks.stop, run);
  row.read_bytes_per_second = std::max(before, rate());
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
      add_kernel_rows(
          options, hooks, team, [&probe] { return probe.measure(); }, report);
    }
  if (options.model) {
    announce(hooks, "the model");
    const int most =
        *std::max_element(options.threads.begin(), options.threads.end());
    const ExecutionDevice device = options.cuda ? cuda_device() : cpu_device();
    const BenchNetwork network =
        options.synthetic
            ? make_bench_network(*options.synthetic, most, device)
            : load_bench_network(
                  options.checkpoint, device, {.stop = hooks.stop});
    report.model = network.name;
    check_contexts(options, network.network->config);
    if (network.uploaded_bytes > 0)
      add_upload_row(network, report);
    for (const int threads : options.threads)
      add_model(options, hooks, network, threads, report);
  }
  for (CeilingPair& pair : report.ceilings)
    pair.after = ceilings_of(options, pair.before.threads, hooks, ", after");
  report.settle();
  return report;
}

}  // namespace hadal
