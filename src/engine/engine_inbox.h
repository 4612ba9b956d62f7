// The door between the threads of callers and the engine's thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/engine_sequence.h"
#include "hadal/device_lost.h"

namespace hadal {

// Safe to use from any thread.
class EngineInbox {
 public:
  explicit EngineInbox(int64_t queue_limit) : queue_limit_(queue_limit) {}

  // What came in since the last time.
  struct Mail {
    std::vector<std::unique_ptr<EngineSequence>> requests;
    std::vector<RequestId> cancelled;
    std::vector<std::function<void()>> tasks;
    // Set once the engine is to stop: what still runs then is cancelled.
    std::optional<EngineClock::time_point> stop_at;
    bool empty() const {
      return requests.empty() && cancelled.empty() && tasks.empty();
    }
  };

  // --- callers
  // Numbers the request. Throws EngineBusy, or what close() was given.
  RequestId put(std::unique_ptr<EngineSequence> request);
  void cancel(RequestId id);
  // To be run on the engine's thread.
  void post(std::function<void()> task);
  // From now on nothing is let in.
  void stop(EngineClock::time_point finish_by);

  // --- the engine's thread
  // Returns at once.
  Mail take();
  // Waits until there is mail or `until`.
  Mail wait(std::optional<EngineClock::time_point> until);
  // From now on every put() throws this.
  void close(const DeviceLost& reason);
  // `count` requests left the queue.
  void left_queue(int64_t count);
  // How long a request is in the engine's hands, lately, and how many at once:
  // for the advice when to come back.
  void set_pace(double request_seconds, int64_t places);

 private:
  Mail take_locked();
  double retry_after_locked() const;

  const int64_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Mail mail_;
  std::optional<EngineClock::time_point> stop_told_;
  std::optional<DeviceLost> closed_;
  int64_t queued_ = 0;
  RequestId last_id_ = 0;
  double request_seconds_ = 0;
  int64_t places_ = 1;
};

}  // namespace hadal
