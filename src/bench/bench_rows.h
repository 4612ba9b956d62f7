// The rows of a benchmark run by subject. Internal to this folder.
#pragma once

#include "bench/bench_model.h"
#include "bench/bench_run.h"

namespace hadal {

// Each appends rows (and profiles) for one number of threads.
void add_kernel_rows(
    const BenchOptions& options,
    const BenchHooks& hooks,
    ThreadTeam& team,
    BenchReport& report);
void add_model_rows(
    const BenchOptions& options,
    const BenchHooks& hooks,
    BenchModel& model,
    BenchReport& report);

// ", 2 threads"
std::string threads_text(int threads);
void announce(const BenchHooks& hooks, const std::string& what);

}  // namespace hadal
