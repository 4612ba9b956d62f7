#include "bench/bench_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/readable.h"
#include "bench/cache_filler.h"
#include "bench/synthetic_model.h"
#include "checkpoint/model_location.h"
#include "hadal/error.h"
#include "kernels/random_weight.h"
#include "weights/load_checkpoint.h"

namespace hadal {
namespace {

BenchNetwork with_default_numerics(
    std::string name,
    ModelConfig config,
    ModelWeights weights,
    const ExecutionDevice& device) {
  BenchNetwork out;
  out.name = std::move(name);
  out.device = device;
  out.layout =
      std::make_shared<const CacheLayout>(make_cache_layout(config, {}));
  // A step of the next-token module is no part of a decode step.
  weights.mtp.clear();
  out.network = std::make_shared<const Network>(
      std::move(config),
      std::move(weights),
      Numerics{.bf16_activations = !device.memory->host_visible()},
      *device.memory);
  return out;
}

// For caches, beside scratch memory.
int64_t cache_room(const ExecutionDevice& device) {
  const int64_t scratch = device.memory->host_visible() ? 0 : kCudaScratchBytes;
  return std::max<int64_t>(device.available_bytes() - scratch, 0);
}

}  // namespace

BenchNetwork load_bench_network(
    const std::string& checkpoint,
    const ExecutionDevice& device,
    const CopyHooks& hooks) {
  const std::filesystem::path directory = find_model(checkpoint);
  LoadedModel loaded = load_checkpoint(directory);
  loaded.weights.mtp.clear();
  Timing upload;
  double uploaded = 0;
  if (!device.memory->host_visible()) {
    uploaded = static_cast<double>(cuda_weight_bytes(loaded.weights));
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    move_weights_to_cuda(loaded.weights, loaded.config, hooks);
    upload.seconds =
        std::chrono::duration<double>(Clock::now() - start).count();
    upload.runs = 1;
  }
  BenchNetwork network = with_default_numerics(
      directory.string(),
      std::move(loaded.config),
      std::move(loaded.weights),
      device);
  network.upload = upload;
  network.uploaded_bytes = uploaded;
  return network;
}

BenchNetwork make_bench_network(
    const SyntheticSpec& spec, int threads, const ExecutionDevice& device) {
  ThreadTeam team(threads);
  SyntheticModel model = make_synthetic_model(spec, team, device);
  return with_default_numerics(
      "synthetic " + spec.text,
      std::move(model.config),
      std::move(model.weights),
      device);
}

BenchModel::BenchModel(const BenchNetwork& network, int threads)
    : network_(network),
      recorder_(*network.device.backend, *network.device.memory),
      executor_(std::make_unique<NativeExecutor>(
          network.network,
          recorder_.backend(),
          ThreadTeamOptions{.threads = threads},
          *network.device.memory)),
      pool_(std::make_shared<PagePool>(
          cache_room(network.device), *network.device.memory)) {}

int32_t BenchModel::random_token() {
  RandomNumbers random(seed_++);
  return static_cast<int32_t>(
      random.bits() % static_cast<uint64_t>(config().vocab_size));
}

SequenceCache BenchModel::filled(int64_t tokens, std::stop_token stop) {
  const int64_t needed = network_.layout->bytes(tokens);
  const int64_t available = cache_room(network_.device);
  if (needed > available)
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "context: caches of {} tokens need {}, but {} of memory are "
            "available; ask for less",
            grouped(tokens),
            readable_bytes(static_cast<uint64_t>(needed)),
            readable_bytes(static_cast<uint64_t>(available))));
  SequenceCache cache(network_.layout, pool_);
  fill_cache(cache, tokens, seed_++, stop);
  return cache;
}

void BenchModel::step(std::vector<SequenceCache>& sequences) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < sequences.size(); ++i)
    tokens.push_back(random_token());
  const int64_t last = 0;
  std::vector<BatchEntry> batch;
  for (size_t i = 0; i < sequences.size(); ++i)
    batch.push_back(
        {.cache = &sequences[i],
         .tokens = {&tokens[i], 1},
         .logits_at = {&last, 1}});
  logits_.resize(sequences.size() * static_cast<size_t>(config().vocab_size));
  executor_->run(batch, logits_.data());
}

void BenchModel::prefill(int64_t tokens, std::stop_token stop) {
  HADAL_CHECK(tokens >= 1);
  std::vector<int32_t> ids(static_cast<size_t>(tokens));
  for (int32_t& id : ids)
    id = random_token();
  SequenceCache cache(network_.layout, pool_);
  const int64_t last = tokens - 1;
  const BatchEntry entry = {
      .cache = &cache, .tokens = ids, .logits_at = {&last, 1}};
  logits_.resize(static_cast<size_t>(config().vocab_size));
  executor_->run({&entry, 1}, logits_.data(), {.stop = std::move(stop)});
}

}  // namespace hadal
