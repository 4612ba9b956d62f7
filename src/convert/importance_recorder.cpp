// A backend whose products report their inputs and then do what the CPU's do.
// Which product it is, the weight's address tells.
#include "convert/importance_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/check.h"
#include "base/memory_info.h"
#include "cache/cache_layout.h"
#include "convert/channel_sums.h"
#include "executor/native_executor.h"
#include "hadal/error.h"

namespace hadal {
namespace {

ChannelSums* recording = nullptr;

void record_linear(const LinearParams& params, ThreadTeam& team) {
  recording->add_product(params, team);
  cpu_backend().linear(params, team);
}

void record_linear_many(
    std::span<const LinearParams> products, ThreadTeam& team) {
  for (const LinearParams& params : products)
    recording->add_product(params, team);
  cpu_backend().linear_many(products, team);
}

void record_experts(const ExpertsParams& params, ThreadTeam& team) {
  recording->add_experts(params, team);
  cpu_backend().experts(params, team);
}

Backend recording_backend() {
  Backend backend = cpu_backend();
  backend.name = "cpu, recording";
  backend.linear = record_linear;
  backend.linear_many = record_linear_many;
  backend.experts = record_experts;
  return backend;
}

// Sets the one place while it lives.
class Recording {
 public:
  explicit Recording(ChannelSums& sums) {
    HADAL_CHECK(recording == nullptr);
    recording = &sums;
  }
  ~Recording() { recording = nullptr; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
};

void require_ids(
    std::span<const std::vector<int32_t>> windows, int64_t vocabulary) {
  for (const std::vector<int32_t>& window : windows)
    for (const int32_t id : window)
      if (id < 0 || id >= vocabulary)
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format("token id {}: expected 0 to {}", id, vocabulary - 1));
}

}  // namespace

Importance record_importance(
    LoadedModel model,
    std::span<const std::vector<int32_t>> windows,
    const RecordOptions& options) {
  require_ids(windows, model.config.vocab_size);
  ChannelSums sums(source_tensors(model));
  const Recording guard(sums);
  auto layout = std::make_shared<const CacheLayout>(make_cache_layout(
      model.config, {.storage = CacheStorage::exact, .mtp = false}));
  auto pool = std::make_shared<PagePool>(
      static_cast<int64_t>(memory_info().available_bytes));
  const int64_t vocabulary = model.config.vocab_size;
  const auto network = std::make_shared<const Network>(
      model.config, std::move(model.weights), Numerics{.exact = true});
  const Backend backend = recording_backend();
  NativeExecutor executor(network, backend, options.threads);

  int64_t total = 0;
  for (const std::vector<int32_t>& window : windows)
    total += static_cast<int64_t>(window.size());
  int64_t done = 0;
  std::vector<float> logits;
  for (const std::vector<int32_t>& window : windows) {
    const auto length = static_cast<int64_t>(window.size());
    SequenceCache cache(layout, pool);
    // The head reads every position that asks for logits; its channels are
    // measured on all of them.
    std::vector<int64_t> all(window.size());
    for (size_t i = 0; i < all.size(); ++i)
      all[i] = static_cast<int64_t>(i);
    logits.resize(static_cast<size_t>(length * vocabulary));
    const BatchEntry entry{&cache, window, all};
    executor.run({&entry, 1}, logits.data(), {.stop = options.stop});
    done += length;
    if (options.on_progress)
      options.on_progress(done, total);
  }
  return sums.importance();
}

}  // namespace hadal
