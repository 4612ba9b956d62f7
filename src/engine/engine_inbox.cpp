#include "engine/engine_inbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hadal {

RequestId EngineInbox::put(std::unique_ptr<EngineSequence> request) {
  const std::lock_guard lock(mutex_);
  if (closed_)
    throw *closed_;
  if (mail_.stop_at)
    throw EngineBusy("the engine is stopping; ask again later", 5);
  if (queued_ >= queue_limit_)
    throw EngineBusy(
        fmt::format(
            "the queue is full: {} requests wait; ask again later", queued_),
        retry_after_locked());
  const RequestId id = ++last_id_;
  request->id = id;
  request->submitted = EngineClock::now();
  mail_.requests.push_back(std::move(request));
  ++queued_;
  changed_.notify_one();
  return id;
}

void EngineInbox::cancel(RequestId id) {
  const std::lock_guard lock(mutex_);
  mail_.cancelled.push_back(id);
  changed_.notify_one();
}

void EngineInbox::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  mail_.tasks.push_back(std::move(task));
  changed_.notify_one();
}

void EngineInbox::stop(EngineClock::time_point finish_by) {
  const std::lock_guard lock(mutex_);
  mail_.stop_at =
      mail_.stop_at ? std::min(*mail_.stop_at, finish_by) : finish_by;
  changed_.notify_one();
}

EngineInbox::Mail EngineInbox::take() {
  const std::lock_guard lock(mutex_);
  return take_locked();
}

EngineInbox::Mail EngineInbox::wait(
    std::optional<EngineClock::time_point> until) {
  std::unique_lock lock(mutex_);
  const auto wake = [this] {
    return !mail_.empty() || mail_.stop_at != stop_told_;
  };
  if (until)
    changed_.wait_until(lock, *until, wake);
  else
    changed_.wait(lock, wake);
  return take_locked();
}

// The order to stop stays, so that it is seen every time.
EngineInbox::Mail EngineInbox::take_locked() {
  Mail mail = std::exchange(mail_, {});
  mail_.stop_at = mail.stop_at;
  stop_told_ = mail.stop_at;
  return mail;
}

void EngineInbox::close(const DeviceLost& reason) {
  const std::lock_guard lock(mutex_);
  closed_ = reason;
}

void EngineInbox::left_queue(int64_t count) {
  const std::lock_guard lock(mutex_);
  queued_ -= count;
}

void EngineInbox::set_pace(double request_seconds, int64_t places) {
  const std::lock_guard lock(mutex_);
  request_seconds_ = request_seconds;
  places_ = std::max<int64_t>(places, 1);
}

// Until a tenth of the queue has been served.
double EngineInbox::retry_after_locked() const {
  const double rounds =
      static_cast<double>(queued_) / 10 / static_cast<double>(places_);
  return std::clamp(rounds * request_seconds_, 1.0, 600.0);
}

}  // namespace hadal
