// Between the engine's thread, where tokens become events, and the thread that
// sends the answer.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "server/api/api_call.h"

namespace hadal {

struct AnswerUpdate {
  std::vector<ChatEvent> events;
  std::vector<TokenInfo> tokens;
};

// What happened to a choice, in order.
struct AnswerPiece {
  size_t choice = 0;
  std::variant<EngineStart, AnswerUpdate, ChoiceEnd> what;
};

// Safe from any thread. `ready` is called outside of the lock, once for what
// comes between two calls of take.
class AnswerMailbox {
 public:
  struct Taken {
    std::vector<AnswerPiece> pieces;
    // Behind these pieces nothing follows.
    std::optional<ApiError> failure;
  };

  // Without `streams`, `ready` is called when all choices have ended, and
  // nothing bounds what waits but the tokens that may be generated.
  AnswerMailbox(
      size_t choices,
      bool streams,
      bool wants_progress,
      size_t max_waiting_bytes);

  // The engine's side. False: nobody wants more of it; generation should stop.
  bool put(size_t choice, EngineStart start);
  bool put(size_t choice, AnswerUpdate update);
  bool put(size_t choice, ChoiceEnd end);
  // The first failure counts; what comes after it is dropped.
  void fail(ApiError error);
  void progress(int64_t done, int64_t total);

  // The sending side.
  void listen(std::function<void()> ready);
  Taken take();
  std::optional<ApiError> failure() const;
  // Of the prompt; 0 of 0 in the queue.
  std::pair<int64_t, int64_t> progress() const;
  // The answer is not wanted any more.
  void close();
  bool closed() const;

 private:
  bool open() const { return !closed_ && !failure_; }
  void wake(std::unique_lock<std::mutex> lock, bool worth);
  bool merge(size_t choice, AnswerUpdate& update);

  mutable std::mutex mutex_;
  const bool streams_;
  const bool wants_progress_;
  const size_t max_waiting_bytes_;
  size_t unfinished_;
  std::vector<AnswerPiece> pieces_;
  // Of each choice: where its last piece stands, one more than its index.
  std::vector<size_t> last_piece_;
  size_t waiting_bytes_ = 0;
  std::optional<ApiError> failure_;
  bool closed_ = false;
  std::pair<int64_t, int64_t> progress_ = {0, 0};
  std::function<void()> ready_;
  bool signalled_ = false;
};

}  // namespace hadal
