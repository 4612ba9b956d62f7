// A whole benchmark run: ceilings, kernels, a model's steps, ceilings again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "bench/report.h"
#include "bench/synthetic_spec.h"

namespace hadal {

struct BenchOptions {
  // The model: a synthetic one, else this checkpoint (empty: the default one).
  // None when `model` is false.
  bool model = true;
  std::optional<SyntheticSpec> synthetic;
  std::string checkpoint;
  bool cuda = false;  // on the GPU; kernels are timed on the CPU only
  std::vector<int> threads = {1};             // each >= 1
  std::vector<int64_t> contexts = {1 << 10};  // tokens in the cache, >= 1
  std::vector<int64_t> prompts = {2048};      // tokens, each >= 1
  std::vector<int> batches = {1};             // sequences decoded at once, >= 1
  bool kernels = false;
  bool profile = false;
  double seconds = 1;                        // a row
  size_t ceiling_bytes = kCeilingReadBytes;  // tests read less
};

struct BenchHooks {
  // Before something that takes time; `what` is a row's name or the like.
  std::function<void(const std::string& what)> on_start;
  std::stop_token stop;
};

// Sequences of the batches above 1 are decoded at the first context only.
// On a GPU one number of threads is enough, and the read bandwidth is that of
// its memory. Throws Error: invalid_argument for a context beyond the model's,
// resource when memory does not suffice, cancelled on a stop, and what loading
// throws.
BenchReport run_bench(const BenchOptions& options, const BenchHooks& hooks);

}  // namespace hadal
