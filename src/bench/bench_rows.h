// The rows of a benchmark run by subject. Internal to this folder.
#pragma once

#include "bench/bench_model.h"
#include "bench/bench_run.h"

namespace hadal {

// Measures the read bandwidth, in bytes a second.
using MemoryRate = std::function<double()>;

// Each appends rows (and profiles) for one number of threads.
void add_kernel_rows(
    const BenchOptions& options,
    const BenchHooks& hooks,
    ThreadTeam& team,
    const MemoryRate& rate,
    BenchReport& report);
void add_model_rows(
    const BenchOptions& options,
    const BenchHooks& hooks,
    BenchModel& model,
    const MemoryRate& rate,
    BenchReport& report);

// Times `run` into row.timing, with the read bandwidth before and after.
void time_row(
    const BenchOptions& options,
    const BenchHooks& hooks,
    const MemoryRate& rate,
    const std::function<void()>& run,
    BenchRow& row);

// ", 2 threads"
std::string threads_text(int threads);
void announce(const BenchHooks& hooks, const std::string& what);

}  // namespace hadal
