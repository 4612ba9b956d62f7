// Many requests, one model: the interface that servers see. The real one is
// BatchEngine (batch_engine.h); tests of servers play back scripted tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine_request.h"

namespace hadal {

using RequestId = uint64_t;  // never 0

// Thrown by submit when the queue is full or the engine is stopping.
class EngineBusy : public Error {
 public:
  EngineBusy(const std::string& message, double retry_after_seconds)
      : Error(ErrorCode::resource, message),
        retry_after_seconds_(retry_after_seconds) {}
  double retry_after_seconds() const { return retry_after_seconds_; }

 private:
  double retry_after_seconds_;
};

struct SequenceStatus {
  RequestId id = 0;
  enum class Phase { queued, loading, prompt, generating };
  Phase phase = Phase::queued;
  int64_t prompt_tokens = 0;
  int64_t prompt_done = 0;
  int64_t cached_tokens = 0;
  int64_t generated_tokens = 0;
  double seconds = 0;  // since it was submitted
};

struct EngineStatus {
  // Why nothing can be generated any more until the process is restarted; empty
  // while all is well.
  std::string failure;
  std::vector<SequenceStatus> sequences;  // oldest first
  int64_t queue_limit = 0;
  // Memory of caches.
  int64_t cache_bytes_used = 0;
  int64_t cache_bytes_budget = 0;
  int64_t saved_prefixes = 0;
  int64_t saved_prefix_bytes = 0;  // that nothing else holds
  int64_t disk_prefixes = 0;
  int64_t disk_bytes = 0;
  // Totals since the start.
  uint64_t steps = 0;
  uint64_t prompt_tokens = 0;  // computed
  uint64_t cached_tokens = 0;  // from memory and disk
  uint64_t disk_cached_tokens = 0;
  uint64_t generated_tokens = 0;
  uint64_t evicted_prefixes = 0;
  double executor_seconds = 0;  // spent inside the executor
  double busy_seconds = 0;      // with any sequence running
  // Measured lately; 0 when unknown.
  double prompt_tokens_per_second = 0;
  double step_seconds = 0;  // of a step without prompt tokens
};

class Engine {
 public:
  virtual ~Engine() = default;
  // Any thread. Throws EngineBusy, DeviceLost when the device failed
  // for good, and Error(invalid_argument) naming the field
  // for options out of range; nothing is called then.
  virtual RequestId submit(EngineRequest request) = 0;
  // Any thread; returns at once. The request ends at the next step with
  // EngineFinish::cancelled, unless it ended before. Unknown ids are ignored.
  virtual void cancel(RequestId id) = 0;
  virtual EngineStatus status() const = 0;
};

}  // namespace hadal
