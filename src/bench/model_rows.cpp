// Decode at every context, batches, prefill.
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/readable.h"
#include "bench/bench_rows.h"

namespace hadal {
namespace {

// Steps whose kernels are recorded: their bytes vary with the chosen experts
// where several sequences are decoded at once.
constexpr int kRecordedSteps = 4;

double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// "4K" for powers of two in thousands, else "5,000".
std::string tokens_text(int64_t tokens) {
  if (tokens >= 1 << 20 && tokens % (1 << 20) == 0)
    return std::to_string(tokens >> 20) + "M";
  if (tokens >= 1 << 10 && tokens % (1 << 10) == 0)
    return std::to_string(tokens >> 10) + "K";
  return grouped(tokens);
}

// ", 2 threads" on the CPU.
std::string place_text(const BenchModel& model) {
  return model.on_cpu() ? threads_text(model.threads()) : ", cuda";
}

// On a GPU: the launches of one run, one by one, as a table of their own.
template <class Work>
void profile_launches(
    const BenchModel& model,
    const std::string& name,
    BenchReport& report,
    const Work& run) {
  StepProfile profile{
      .name = name + ", launches one by one", .threads = model.threads()};
  for (const GpuKernelTime& one : time_gpu_kernels(run)) {
    KernelUse& use = profile.kernels.emplace_back();
    use.name = one.kernel;
    use.calls = one.launches;
    use.seconds = one.seconds;
    profile.seconds += one.seconds;
  }
  report.profiles.push_back(std::move(profile));
}

// Runs `run` a few times with the recorder on; the work of one run goes into
// the row.
template <class Work>
void record(
    BenchModel& model,
    int runs,
    const BenchOptions& options,
    BenchReport& report,
    BenchRow& row,
    const Work& run) {
  model.recorder().start();
  const double start = now();
  for (int i = 0; i < runs; ++i)
    run();
  const double seconds = now() - start;
  model.recorder().stop();
  const std::vector<KernelUse> uses = model.recorder().uses();
  for (const KernelUse& use : uses) {
    row.weight_bytes += use.weight_bytes / runs;
    row.cache_bytes += use.cache_bytes / runs;
    for (int i = 0; i < kArithmeticCount; ++i)
      row.operations[i] += use.operations[i] / runs;
  }
  if (options.profile)
    report.profiles.push_back({row.name, model.threads(), seconds, runs, uses});
  if (options.profile && !model.on_cpu())
    profile_launches(model, row.name, report, run);
}

void add_decode_row(
    const BenchOptions& options,
    const BenchHooks& hooks,
    BenchModel& model,
    const MemoryRate& rate,
    int64_t context,
    int batch,
    BenchReport& report) {
  BenchRow row;
  row.name = fmt::format(
      "decode{}, context {}{}",
      batch > 1 ? fmt::format(" of {}", batch) : "",
      tokens_text(context),
      place_text(model));
  row.unit = "tokens/s";
  row.threads = model.threads();
  row.units = batch;
  announce(hooks, row.name);
  std::vector<SequenceCache> sequences;
  for (int i = 0; i < batch; ++i)
    sequences.push_back(model.filled(context, hooks.stop));
  model.step(sequences);
  const auto step = [&] { model.step(sequences); };
  record(model, kRecordedSteps, options, report, row, step);
  time_row(options, hooks, rate, step, row);
  report.rows.push_back(row);
}

void add_prefill_row(
    const BenchOptions& options,
    const BenchHooks& hooks,
    BenchModel& model,
    const MemoryRate& rate,
    int64_t tokens,
    BenchReport& report) {
  BenchRow row;
  row.name =
      fmt::format("prefill {}{}", tokens_text(tokens), place_text(model));
  row.unit = "tokens/s";
  row.threads = model.threads();
  row.units = static_cast<double>(tokens);
  row.bound = Bound::arithmetic;
  announce(hooks, row.name);
  const auto prefill = [&] { model.prefill(tokens, hooks.stop); };
  record(model, 1, options, report, row, prefill);
  time_row(options, hooks, rate, prefill, row);
  report.rows.push_back(row);
}

}  // namespace

void add_model_rows(
    const BenchOptions& options,
    const BenchHooks& hooks,
    BenchModel& model,
    const MemoryRate& rate,
    BenchReport& report) {
  for (const int batch : options.batches)
    for (const int64_t context : options.contexts) {
      add_decode_row(options, hooks, model, rate, context, batch, report);
      if (batch > 1)
        break;
    }
  for (const int64_t tokens : options.prompts)
    add_prefill_row(options, hooks, model, rate, tokens, report);
}

}  // namespace hadal
