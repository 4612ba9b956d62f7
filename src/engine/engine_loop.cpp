#include "engine/engine_loop.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace hadal {
namespace {

using State = EngineSequence::State;

double seconds_between(
    EngineClock::time_point from, EngineClock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

SequenceStatus describe(
    const EngineSequence& sequence, EngineClock::time_point now) {
  using Phase = SequenceStatus::Phase;
  const auto phase = [&] {
    switch (sequence.state) {
      case State::queued:
        return Phase::queued;
      case State::loading:
      case State::waiting:
        return Phase::loading;
      case State::reading:
        return Phase::prompt;
      default:
        return Phase::generating;
    }
  };
  return {
      .id = sequence.id,
      .phase = phase(),
      .prompt_tokens = sequence.prompt_tokens,
      .prompt_done = std::min(sequence.prompt_tokens, sequence.length()),
      .cached_tokens = sequence.cached_tokens,
      .generated_tokens = sequence.answer.tokens(),
      .seconds = seconds_between(sequence.submitted, now)};
}

}  // namespace

EngineLoop::EngineLoop(
    EngineModel model,
    const BatchEngineOptions& options,
    const CachePlan& plan,
    EngineInbox& inbox)
    : model_(std::move(model)),
      options_(options),
      plan_(plan),
      capacity_(plan.fitting_tokens(model_.context)),
      inbox_(inbox),
      prefixes_(static_cast<int64_t>(
          options.scratch_share * static_cast<double>(plan.budget_bytes()))) {
  if (options_.store != nullptr)
    loader_ = std::make_unique<PrefixLoader>(options_.store);
  publish();
}

void EngineLoop::run() {
  while (true) {
    try {
      if (!turn())
        return;
    } catch (const DeviceLost& error) {
      lose_device(error);
    } catch (const Error& error) {
      fail_everything(error);
    } catch (const std::exception& error) {
      fail_everything(Error(ErrorCode::internal, error.what()));
    }
  }
}

// False: everything has ended and nothing will come.
bool EngineLoop::turn() {
  receive(has_work() ? inbox_.take() : inbox_.wait(next_deadline()));
  if (lost_)  // what came in before the inbox was closed
    end_everything(*lost_);
  const auto start = EngineClock::now();
  expire();
  end_waits();
  admit();
  tell_ends();
  if (has_work()) {
    Pieces pieces = plan_step();
    make_room(pieces);
    if (!pieces.empty())
      run_step(pieces);
    sweep();
    totals_.busy_seconds += seconds_between(start, EngineClock::now());
  }
  if (model_.pool->used_bytes() + model_.pool->idle_bytes() >
      plan_.budget_bytes())
    model_.pool->trim();
  if (ends_.empty())
    publish(!has_work());
  else
    tell_ends();
  return !stop_at_ || !live_.empty() || !removed_.empty() || !queued_.empty();
}

void EngineLoop::receive(EngineInbox::Mail mail) {
  stop_at_ = mail.stop_at;
  for (auto& request : mail.requests) {
    const RequestId id = request->id;
    queue_.push(request->request.client, id);
    queued_.emplace(id, std::move(request));
  }
  for (const RequestId id : mail.cancelled)
    cancel(id);
  for (const auto& task : mail.tasks)
    task();
}

void EngineLoop::cancel(RequestId id) {
  if (const auto at = queued_.find(id); at != queued_.end())
    end(*at->second, EngineFinish::cancelled);
  for (const Sequences* sequences : {&live_, &removed_})
    for (const auto& sequence : *sequences)
      if (sequence->id == id && sequence->state != State::ended)
        end(*sequence, EngineFinish::cancelled);
  sweep();
}

// Ends what is past its deadline, and what has to go when the engine stops.
void EngineLoop::expire() {
  const auto now = EngineClock::now();
  const bool stop_now = stop_at_ && *stop_at_ <= now;
  const auto check = [&](EngineSequence& sequence, bool cancelled) {
    if (sequence.state == State::ended)
      return;
    if (cancelled)
      end(sequence, EngineFinish::cancelled);
    else if (sequence.request.deadline && *sequence.request.deadline <= now)
      end(sequence, EngineFinish::deadline);
  };
  for (const auto& [id, sequence] : queued_)
    check(*sequence, stop_at_.has_value());
  for (const Sequences* sequences : {&live_, &removed_})
    for (const auto& sequence : *sequences)
      check(*sequence, stop_now);
  sweep();
}

// Is there anything to compute, or a place to give?
bool EngineLoop::has_work() const {
  if (live_.empty() && (!queued_.empty() || !removed_.empty()))
    return true;
  return std::any_of(live_.begin(), live_.end(), [](const auto& sequence) {
    return sequence->state == State::reading ||
           sequence->state == State::generating;
  });
}

std::optional<EngineClock::time_point> EngineLoop::next_deadline() const {
  std::optional<EngineClock::time_point> next;
  const auto consider = [&](std::optional<EngineClock::time_point> time) {
    if (time && (!next || *time < *next))
      next = time;
  };
  for (const auto& [id, sequence] : queued_)
    consider(sequence->request.deadline);
  for (const Sequences* sequences : {&live_, &removed_})
    for (const auto& sequence : *sequences)
      consider(sequence->request.deadline);
  if (!live_.empty() || !removed_.empty() || !queued_.empty())
    consider(stop_at_);
  return next;
}

// `exactly`: there is time to count.
void EngineLoop::publish(bool exactly) {
  const auto now = EngineClock::now();
  EngineStatus status = totals_;
  for (const Sequences* sequences : {&live_, &removed_})
    for (const auto& sequence : *sequences)
      status.sequences.push_back(describe(*sequence, now));
  for (const auto& [id, sequence] : queued_)
    status.sequences.push_back(describe(*sequence, now));
  std::sort(
      status.sequences.begin(),
      status.sequences.end(),
      [](const SequenceStatus& a, const SequenceStatus& b) {
        return a.id < b.id;
      });
  status.queue_limit = options_.max_queue;
  status.cache_bytes_used = model_.pool->used_bytes();
  status.cache_bytes_budget = plan_.budget_bytes();
  status.saved_prefixes = prefixes_.count();
  status.evicted_prefixes = prefixes_.evicted();
  count_saved_bytes(now, exactly);
  status.saved_prefix_bytes = saved_bytes_;
  status.prompt_tokens_per_second = times_.prompt_tokens_per_second();
  status.step_seconds = times_.step_seconds();
  const std::lock_guard lock(status_mutex_);
  status_ = std::move(status);
}

// Looks at every page, so it may take a fiftieth of the time at most.
void EngineLoop::count_saved_bytes(EngineClock::time_point now, bool must) {
  if (!must && now - counted_ < 50 * counting_)
    return;
  saved_bytes_ = prefixes_.ledger().exclusive_bytes();
  counted_ = EngineClock::now();
  counting_ = counted_ - now;
}

EngineStatus EngineLoop::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

// A defect of the engine itself: nobody knows whom it concerns.
void EngineLoop::fail_everything(const Error& error) {
  log(LogLevel::error, "engine", "all requests fail: {}", error.what());
  end_everything(error);
}

// Nothing runs any more until the process is restarted, and everybody hears
// why.
void EngineLoop::lose_device(const DeviceLost& error) {
  log(LogLevel::error,
      "engine",
      "the device is lost: {}; requests are refused until the process is "
      "restarted, while status, metrics and the prefixes on the disk remain",
      error.what());
  lost_ = error;
  totals_.failure = error.what();
  inbox_.close(error);
  end_everything(error);
}

void EngineLoop::end_everything(const Error& error) {
  for (const auto& [id, sequence] : queued_)
    end(*sequence, EngineFinish::failed, -1, error);
  for (const Sequences* sequences : {&live_, &removed_})
    for (const auto& sequence : *sequences)
      if (sequence->state != State::ended)
        end(*sequence, EngineFinish::failed, -1, error);
  sweep();
  tell_ends();
}

}  // namespace hadal
