// Loading: checkpoint, numerics, backend, threads, memory for caches.
#include "hadal/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/log.h"
#include "checkpoint/model_location.h"
#include "engine/device_choice.h"
#include "engine/model_implementation.h"
#include "hadal/error.h"
#include "weights/load_checkpoint.h"

namespace hadal {
namespace {

// Raised when a change of kernels changes the bits of a saved state.
constexpr uint64_t kKernelRevision = 3;

// What a session's state depends on besides the checkpoint.
uint64_t state_fingerprint(
    uint64_t checkpoint, const ModelOptions& options, bool cuda) {
  const std::string key = fmt::format(
      "{:016x} kernels={} exact={} kv_fp8={} index_fp4={} gemm_fp8={} "
      "reference={} mtp={} cuda={}",
      checkpoint,
      kKernelRevision,
      options.precision == Precision::exact,
      options.kv_fp8,
      options.index_fp4,
      options.gemm_fp8,
      options.reference,
      options.mtp,
      cuda);
  return hash64(key);
}

// The most tokens whose caches fit in `bytes`.
int64_t context_that_fits(
    const CacheLayout& layout, int64_t bytes, int64_t limit) {
  int64_t low = 0;
  int64_t high = limit;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (layout.bytes(middle) <= bytes)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

void check_context(int64_t asked, int64_t model_limit) {
  if (asked < 0)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("context: found {}, expected at least 1 token", asked));
  if (asked > model_limit)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "context: found {} tokens, but the model was made for at most {}; "
            "ask for less",
            asked,
            model_limit));
}

// What was asked for, or as much as fits into `available` bytes.
int64_t choose_context(
    const CacheLayout& layout,
    int64_t asked,
    int64_t model_limit,
    int64_t available) {
  const int64_t fitting = context_that_fits(layout, available, model_limit);
  if (asked == 0)
    return std::max<int64_t>(fitting, 1);
  if (asked > fitting)
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "context: {} tokens need {:.1f} GB of cache, but {:.1f} GB of "
            "memory are available, enough for {} tokens; ask for less",
            asked,
            static_cast<double>(layout.bytes(asked)) / 1e9,
            static_cast<double>(available) / 1e9,
            fitting));
  return asked;
}

}  // namespace

Model::Implementation::Implementation(
    ModelOptions given_options,
    ModelInfo given_info,
    std::unique_ptr<NativeExecutor> given_executor,
    std::shared_ptr<const CacheLayout> given_layout,
    std::shared_ptr<PagePool> given_pool)
    : options(std::move(given_options)),
      info(std::move(given_info)),
      executor(std::move(given_executor)),
      layout(std::move(given_layout)),
      pool(std::move(given_pool)) {}

Model::Model(std::shared_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Model Model::load(const ModelOptions& options, const LoadHooks& hooks) {
  DeviceChoice choice = choose_device(options);
  if (options.threads < 0)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "threads: found {}, expected at least 1 (or 0 for every core)",
            options.threads));
  const NumaPolicy numa = parse_numa_policy(options.numa);
  const std::filesystem::path directory = find_model(options.checkpoint);
  LoadedModel loaded = load_checkpoint(directory);
  const ModelConfig& config = loaded.config;
  const bool has_mtp = !loaded.weights.mtp.empty();
  if (options.mtp && !has_mtp)
    throw Error(
        ErrorCode::unsupported,
        directory.string() +
            ": has no next-token module (mtp.0.*) that could draft");

  auto layout = std::make_shared<const CacheLayout>(make_cache_layout(
      config,
      {.storage = options.precision == Precision::exact ? CacheStorage::exact
                                                        : CacheStorage::compact,
       .kv_fp8 = options.kv_fp8,
       .index_fp4 = options.index_fp4,
       .mtp = options.mtp}));
  check_context(options.context, config.max_position_embeddings);
  settle_memory(choice, options, loaded, directory, *layout);
  if (!choice.reason.empty())
    log(LogLevel::warning, "model", "on the CPU: {}", choice.reason);
  if (choice.cuda)
    move_weights_to_cuda(
        loaded.weights,
        config,
        {.on_progress = hooks.on_weights, .stop = hooks.stop});
  const ExecutionDevice& device = choice.device;
  const int64_t budget = cache_budget(choice);
  const int64_t context = choose_context(
      *layout, options.context, config.max_position_embeddings, budget);
  auto pool = std::make_shared<PagePool>(budget, *device.memory);
  ModelInfo info{
      .directory = directory,
      .device = device.name,
      .device_reason = choice.reason,
      .backend = std::string(device.backend->name),
      .threads = options.threads > 0 ? options.threads : available_cores(),
      .context = context,
      .vocabulary = config.vocab_size,
      .layers = config.num_hidden_layers,
      .hidden_size = config.hidden_size,
      .streams = config.hc_mult,
      .has_mtp = has_mtp,
      .bos_token = config.bos_token_id,
      .eos_token = config.eos_token_id,
      .fingerprint =
          state_fingerprint(loaded.fingerprint, options, choice.cuda)};
  auto network = std::make_shared<const Network>(
      config,
      std::move(loaded.weights),
      Numerics{
          .exact = options.precision == Precision::exact,
          .kv_fp8 = options.kv_fp8,
          .index_fp4 = options.index_fp4,
          .gemm_fp8 = options.gemm_fp8,
          .bf16_activations = choice.cuda},
      *device.memory);
  auto executor = std::make_unique<NativeExecutor>(
      std::move(network),
      *device.backend,
      ThreadTeamOptions{
          .threads = info.threads, .pin = options.pin, .numa = numa},
      *device.memory);
  return Model(std::make_shared<Implementation>(
      options,
      std::move(info),
      std::move(executor),
      std::move(layout),
      std::move(pool)));
}

const ModelInfo& Model::info() const {
  return implementation_->info;
}

const ModelOptions& Model::options() const {
  return implementation_->options;
}

}  // namespace hadal
