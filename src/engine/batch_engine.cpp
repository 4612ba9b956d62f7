#include "engine/batch_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "base/memory_info.h"
#include "engine/engine_loop.h"
#include "engine/request_checks.h"

namespace hadal {
namespace {

const BatchEngineOptions& checked(const BatchEngineOptions& options) {
  const auto refuse = [](const std::string& message) {
    throw Error(ErrorCode::invalid_argument, message);
  };
  if (options.max_sequences < 1)
    refuse(fmt::format(
        "max_sequences: found {}, expected 1 or more", options.max_sequences));
  if (options.max_queue < 1)
    refuse(fmt::format(
        "max_queue: found {}, expected 1 or more", options.max_queue));
  if (!(options.max_stall_ms > 0))
    refuse(fmt::format(
        "max_stall_ms: found {}, expected more than 0", options.max_stall_ms));
  if (options.cache_memory < 0)
    refuse(fmt::format(
        "cache_memory: found {}, expected 0 bytes or more",
        options.cache_memory));
  if (options.keep_every < 128 || options.keep_every % 128 != 0)
    refuse(fmt::format(
        "keep_every: found {}, expected a positive multiple of 128",
        options.keep_every));
  if (!(options.scratch_share >= 0 && options.scratch_share <= 1))
    refuse(fmt::format(
        "scratch_share: found {}, expected 0 to 1", options.scratch_share));
  return options;
}

CachePlan make_plan(
    const EngineModel& model, const BatchEngineOptions& options) {
  // On a device the pool's budget is what is left beside the weights.
  const int64_t fallback = model.pool->memory().host_visible()
                               ? default_cache_budget(static_cast<int64_t>(
                                     memory_info().available_bytes))
                               : model.pool->budget_bytes();
  const int64_t asked =
      options.cache_memory > 0 ? options.cache_memory : fallback;
  const CachePlan plan(
      model.layout, std::min(asked, model.pool->budget_bytes()));
  if (plan.fitting_tokens(model.context) < 1)
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "cache_memory: {} bytes do not hold a sequence of one token, which "
            "takes {}; give more",
            plan.budget_bytes(),
            plan.sequence_bytes(1)));
  return plan;
}

}  // namespace

struct BatchEngine::State {
  State(EngineModel model, const BatchEngineOptions& given)
      : vocabulary(model.vocabulary),
        context(model.context),
        options(given),
        plan(make_plan(model, options)),
        fitting(plan.fitting_tokens(context)),
        inbox(options.max_queue),
        loop(std::move(model), options, plan, inbox),
        thread([this] { loop.run(); }) {}

  const int64_t vocabulary;
  const int64_t context;
  const BatchEngineOptions options;
  const CachePlan plan;
  const int64_t fitting;
  EngineInbox inbox;
  EngineLoop loop;
  std::mutex join_mutex;
  std::thread thread;
};

BatchEngine::BatchEngine(const Model& model, const BatchEngineOptions& options)
    : BatchEngine(engine_model(model), options) {}

BatchEngine::BatchEngine(EngineModel model, const BatchEngineOptions& options)
    : state_(std::make_unique<State>(std::move(model), checked(options))) {}

BatchEngine::~BatchEngine() {
  stop(std::chrono::milliseconds(0));
}

RequestId BatchEngine::submit(EngineRequest request) {
  check_request(
      request,
      state_->vocabulary,
      state_->context,
      state_->fitting,
      state_->plan.budget_bytes());
  return state_->inbox.put(std::make_unique<EngineSequence>(
      std::move(request), state_->vocabulary, state_->options.keep_every));
}

void BatchEngine::cancel(RequestId id) {
  state_->inbox.cancel(id);
}

EngineStatus BatchEngine::status() const {
  EngineStatus status = state_->loop.status();
  if (state_->options.store != nullptr) {
    const PrefixStoreStatus disk = state_->options.store->status();
    status.disk_prefixes = disk.entries;
    status.disk_bytes = disk.bytes;
  }
  return status;
}

void BatchEngine::stop(std::chrono::milliseconds grace) {
  state_->inbox.stop(EngineClock::now() + grace);
  const std::lock_guard lock(state_->join_mutex);
  if (state_->thread.joinable())
    state_->thread.join();
}

void BatchEngine::clear_prefixes() {
  {
    const std::lock_guard lock(state_->join_mutex);
    if (!state_->thread.joinable()) {
      state_->loop.clear_prefixes();
      return;
    }
  }
  const auto done = std::make_shared<std::promise<void>>();
  state_->inbox.post([state = state_.get(), done] {
    state->loop.clear_prefixes();
    done->set_value();
  });
  done->get_future().wait();
}

}  // namespace hadal
