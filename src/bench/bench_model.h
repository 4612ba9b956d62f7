// A model to be timed: network, executor and sequences whose caches are filled
// without computing anything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "bench/kernel_recorder.h"
#include "bench/measure.h"
#include "bench/synthetic_spec.h"
#include "cache/sequence_cache.h"
#include "executor/device.h"
#include "executor/native_executor.h"
#include "model/network.h"

namespace hadal {

// One network, loaded or synthetic, and the layout of its caches.
struct BenchNetwork {
  std::string name;
  std::shared_ptr<const Network> network;
  std::shared_ptr<const CacheLayout> layout;
  ExecutionDevice device;  // where the weights are
  // Of a checkpoint's way to the GPU, the GPU's memory included.
  Timing upload;
  double uploaded_bytes = 0;
};

// Both throw Error: what load_checkpoint, the weights' way to the device and
// make_synthetic_model throw.
BenchNetwork load_bench_network(
    const std::string& checkpoint,
    const ExecutionDevice& device = cpu_device(),
    const CopyHooks& hooks = {});
BenchNetwork make_bench_network(
    const SyntheticSpec& spec,
    int threads,
    const ExecutionDevice& device = cpu_device());

// The network with a team of threads. At most one exists at a time (see
// KernelRecorder).
class BenchModel {
 public:
  BenchModel(const BenchNetwork& network, int threads);

  const ModelConfig& config() const { return network_.network->config; }
  KernelRecorder& recorder() { return recorder_; }
  int threads() const { return executor_->threads(); }
  bool on_cpu() const { return network_.device.memory->host_visible(); }
  // Of the last step or prefill.
  const std::vector<float>& logits() const { return logits_; }

  // A sequence that remembers `tokens` random positions: rows are written
  // straight into its caches. Throws Error(resource) when they do not fit into
  // memory, Error(cancelled) on a stop.
  SequenceCache filled(int64_t tokens, std::stop_token stop = {});

  // Feeds one random token to each sequence and computes its logits.
  void step(std::vector<SequenceCache>& sequences);

  // Feeds `tokens` random tokens to an empty sequence, logits of the last one.
  void prefill(int64_t tokens, std::stop_token stop = {});

 private:
  int32_t random_token();

  const BenchNetwork network_;
  KernelRecorder recorder_;
  std::unique_ptr<NativeExecutor> executor_;
  std::shared_ptr<PagePool> pool_;
  std::vector<float> logits_;
  uint64_t seed_ = 1;
};

}  // namespace hadal
