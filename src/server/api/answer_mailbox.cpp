// Pieces in, pieces out.
#include "server/api/answer_mailbox.h"

#include <iterator>
#include <utility>

namespace hadal {
namespace {

size_t size_of(const AnswerUpdate& update) {
  size_t bytes = update.tokens.size() * sizeof(TokenInfo);
  for (const ChatEvent& event : update.events)
    bytes += sizeof(ChatEvent) + event.text.size();
  for (const TokenInfo& token : update.tokens)
    bytes += token.top_logprobs.size() * sizeof(token.top_logprobs[0]);
  return bytes;
}

// Joins texts of one kind, so that what waits has the size of its text.
void append_events(
    std::vector<ChatEvent>& to, std::vector<ChatEvent>&& events) {
  for (ChatEvent& event : events) {
    bool is_text = event.kind == ChatEvent::Kind::reasoning ||
                   event.kind == ChatEvent::Kind::content ||
                   event.kind == ChatEvent::Kind::tool_call_arguments;
    if (is_text && !to.empty() && to.back().kind == event.kind &&
        to.back().call == event.call)
      to.back().text += event.text;
    else
      to.push_back(std::move(event));
  }
}

}  // namespace

AnswerMailbox::AnswerMailbox(
    size_t choices, bool streams, bool wants_progress, size_t max_waiting_bytes)
    : streams_(streams),
      wants_progress_(streams && wants_progress),
      max_waiting_bytes_(max_waiting_bytes),
      unfinished_(choices),
      last_piece_(choices, 0) {}

void AnswerMailbox::wake(std::unique_lock<std::mutex> lock, bool worth) {
  if (!worth || signalled_ || !ready_)
    return;
  signalled_ = true;
  std::function<void()> ready = ready_;
  lock.unlock();
  ready();
}

bool AnswerMailbox::put(size_t choice, EngineStart start) {
  std::unique_lock lock(mutex_);
  if (!open())
    return false;
  pieces_.push_back({choice, start});
  last_piece_[choice] = 0;
  wake(std::move(lock), streams_);
  return true;
}

bool AnswerMailbox::merge(size_t choice, AnswerUpdate& update) {
  if (last_piece_[choice] == 0)
    return false;
  auto* last =
      std::get_if<AnswerUpdate>(&pieces_[last_piece_[choice] - 1].what);
  if (last == nullptr)
    return false;
  append_events(last->events, std::move(update.events));
  last->tokens.insert(
      last->tokens.end(),
      std::make_move_iterator(update.tokens.begin()),
      std::make_move_iterator(update.tokens.end()));
  return true;
}

bool AnswerMailbox::put(size_t choice, AnswerUpdate update) {
  std::unique_lock lock(mutex_);
  if (!open())
    return false;
  waiting_bytes_ += size_of(update);
  if (streams_ && waiting_bytes_ > max_waiting_bytes_) {
    ApiError error;
    error.status = 408;
    error.message = "the client does not read its answer";
    failure_ = std::move(error);
    wake(std::move(lock), true);
    return false;
  }
  if (!merge(choice, update)) {
    pieces_.push_back({choice, std::move(update)});
    last_piece_[choice] = pieces_.size();
  }
  wake(std::move(lock), streams_);
  return true;
}

bool AnswerMailbox::put(size_t choice, ChoiceEnd end) {
  std::unique_lock lock(mutex_);
  if (!open())
    return false;
  pieces_.push_back({choice, std::move(end)});
  last_piece_[choice] = 0;
  --unfinished_;
  wake(std::move(lock), streams_ || unfinished_ == 0);
  return true;
}

void AnswerMailbox::fail(ApiError error) {
  std::unique_lock lock(mutex_);
  if (!open())
    return;
  failure_ = std::move(error);
  wake(std::move(lock), true);
}

void AnswerMailbox::progress(int64_t done, int64_t total) {
  std::unique_lock lock(mutex_);
  if (!open())
    return;
  progress_ = {done, total};
  wake(std::move(lock), wants_progress_);
}

void AnswerMailbox::listen(std::function<void()> ready) {
  std::unique_lock lock(mutex_);
  ready_ = std::move(ready);
  // A stream begins with what is known before any piece.
  wake(std::move(lock), streams_ || unfinished_ == 0 || failure_.has_value());
}

AnswerMailbox::Taken AnswerMailbox::take() {
  std::lock_guard lock(mutex_);
  signalled_ = false;
  waiting_bytes_ = 0;
  last_piece_.assign(last_piece_.size(), 0);
  return {std::exchange(pieces_, {}), failure_};
}

std::optional<ApiError> AnswerMailbox::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

std::pair<int64_t, int64_t> AnswerMailbox::progress() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

void AnswerMailbox::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  ready_ = nullptr;
  pieces_.clear();
}

bool AnswerMailbox::closed() const {
  std::lock_guard lock(mutex_);
  return closed_ || failure_.has_value();
}

}  // namespace hadal
