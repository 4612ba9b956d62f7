// Places in the batch, and the memory behind them.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "engine/engine_loop.h"

namespace hadal {
namespace {

using State = EngineSequence::State;

// A sequence gets a place when so many tokens of its answer fit beside what the
// others were promised; what it needs beyond, it may have to wait for.
constexpr int64_t kReservedTokens = 256;
// After each preemption twice as many, so that it does not happen again soon.
constexpr int64_t kMaxReserveDoublings = 8;

}  // namespace

void EngineLoop::admit() {
  while (static_cast<int64_t>(live_.size()) < options_.max_sequences) {
    if (!removed_.empty()) {
      if (!fits(*removed_.front()))
        return;
      std::unique_ptr<EngineSequence> next = std::move(removed_.front());
      removed_.erase(removed_.begin());
      give_place(std::move(next));
      continue;
    }
    const std::optional<RequestId> id = queue_.front();
    if (!id)
      return;
    const auto at = queued_.find(*id);
    if (!fits(*at->second))
      return;
    std::unique_ptr<EngineSequence> next = std::move(at->second);
    queued_.erase(at);
    queue_.pop();
    inbox_.left_queue(1);
    give_place(std::move(next));
  }
}

// Saved prefixes do not count: they give way.
bool EngineLoop::fits(const EngineSequence& sequence) const {
  if (live_.empty())
    return true;
  int64_t total = committed_bytes(sequence);
  for (const auto& other : live_)
    total += committed_bytes(*other);
  return total <= plan_.budget_bytes();
}

// What a sequence with a place is promised.
int64_t EngineLoop::committed_bytes(const EngineSequence& sequence) const {
  const int64_t reserve = kReservedTokens << std::min<int64_t>(
                              sequence.preemptions, kMaxReserveDoublings);
  int64_t answer = capacity_;
  if (sequence.request.max_tokens >= 0)
    answer = sequence.request.max_tokens - sequence.answer.tokens();
  const auto length = static_cast<int64_t>(sequence.tokens.size());
  return plan_.sequence_bytes(
      std::min(capacity_, length + std::min(answer, reserve)));
}

void EngineLoop::give_place(std::unique_ptr<EngineSequence> sequence) {
  EngineSequence& placed = *sequence;
  if (placed.turn == 0) {
    placed.turn = ++turns_;
    placed.given_place = EngineClock::now();
  }
  const auto at = std::upper_bound(
      live_.begin(), live_.end(), placed.turn, [](uint64_t t, const auto& s) {
        return t < s->turn;
      });
  live_.insert(at, std::move(sequence));
  begin_reading(placed);
}

void EngineLoop::begin_reading(EngineSequence& sequence) {
  sequence.state = State::reading;
  sequence.cache.emplace(model_.layout, model_.pool);
  if (sequence.started)
    return;
  sequence.started = true;
  sequence.request.observer->on_start(
      {.prompt_tokens = sequence.prompt_tokens,
       .cached_tokens = sequence.cached_tokens,
       .seed = sequence.answer.seed()});
}

// Its tokens stay; they are read again when there is memory.
void EngineLoop::preempt(EngineSequence& sequence) {
  log(LogLevel::debug,
      "engine",
      "request {} gives {} tokens of cache up",
      sequence.id,
      sequence.length());
  sequence.cache.reset();
  sequence.state = State::queued;
  ++sequence.preemptions;
  const auto from =
      std::find_if(live_.begin(), live_.end(), [&](const auto& s) {
        return s.get() == &sequence;
      });
  std::unique_ptr<EngineSequence> owner = std::move(*from);
  live_.erase(from);
  const auto to = std::upper_bound(
      removed_.begin(),
      removed_.end(),
      sequence.turn,
      [](uint64_t t, const auto& s) { return t < s->turn; });
  removed_.insert(to, std::move(owner));
}

int64_t EngineLoop::free_bytes() const {
  return plan_.budget_bytes() - model_.pool->used_bytes();
}

// Sees to it that the step finds its memory: saved prefixes go first, then the
// youngest sequences. A sequence that is alone may have all there is.
void EngineLoop::make_room(Pieces& pieces) {
  while (true) {
    int64_t need = 0;
    for (const Piece& piece : pieces)
      need += plan_.growth_bytes(
          piece.sequence->length(), piece.sequence->length() + piece.tokens);
    if (need <= free_bytes() || !release_something(nullptr))
      return;
    std::erase_if(pieces, [](const Piece& piece) {
      return piece.sequence->state == State::queued;
    });
  }
}

// False: there is nothing left to release but the oldest sequence.
bool EngineLoop::release_something(const EngineSequence* except) {
  for (auto at = live_.rbegin(); at + 1 < live_.rend(); ++at) {
    if ((*at)->cache && (*at)->state != State::ended && at->get() != except) {
      preempt(**at);
      return true;
    }
  }
  return false;
}

}  // namespace hadal
