// What the Google Benchmark programs of the kernels share: a thread team, the
// machine's ceilings, and rows that say how near to them a kernel comes. A
// program lists its rows in one function:
//
//   void declare(KernelBenches& benches) {
//     benches.add("wq_b fp8", {.bytes = size, .operations = 2.0 * rows * cols,
//                              .arithmetic = Arithmetic::bf16_dot},
//                 [&] { cpu_backend().linear(params, benches.team()); });
//   }
//   int main(int argc, char** argv) {
//     return hadal::run_kernel_benches(argc, argv, declare);
//   }
//
// A folder asks for its program with list(APPEND kernel_benches <op>) in its
// sources.cmake: <op>/<op>_bench.cpp becomes hadal_<op>_bench.
#pragma once

#include <functional>
#include <string>

#include "base/thread_team.h"
#include "kernels/ceilings.h"
#include "kernels/cold_weights.h"

namespace hadal {

// What one call does. bytes: what it must read from memory, 0 when its data
// stays in the caches. operations: those of `arithmetic`, a multiply-add two.
struct BenchWork {
  double bytes = 0;
  double operations = 0;
  Arithmetic arithmetic = Arithmetic::fp32_fma;
};

class KernelBenches {
 public:
  explicit KernelBenches(int threads);
  ThreadTeam& team() { return team_; }
  const Ceilings& ceilings() const { return ceilings_; }

  // A row. `run` is called many times; what it refers to must live as long as
  // the program. Its counters: GB/s and of_read (share of the read bandwidth)
  // when bytes > 0, Gop/s and of_peak when operations > 0.
  void add(
      const std::string& name,
      const BenchWork& work,
      std::function<void()> run);

 private:
  ThreadTeam team_;
  Ceilings ceilings_;
};

// --threads=N (default: every core), then Google Benchmark's own flags, of
// which --benchmark_min_time is 0.3 s by default. Returns the exit status.
int run_kernel_benches(
    int argc, char** argv, const std::function<void(KernelBenches&)>& declare);

}  // namespace hadal
