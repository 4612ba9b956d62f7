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
// How many may overtake a request that waits for memory, and one whose answer
// has begun already.
constexpr int64_t kMaxOvertaken = 64;
constexpr int64_t kMaxOvertakenAnswer = 8;
// How many that do not fit are passed at once.
constexpr size_t kMaxPassed = 8;

}  // namespace

void EngineLoop::admit() {
  while (static_cast<int64_t>(live_.size()) < options_.max_sequences) {
    EngineSequence* const next = next_that_fits();
    if (next == nullptr)
      return;
    give_place(take_waiting(*next));
  }
}

// Those that had to give a place up come first, then the queue. Who does not
// fit is passed by those behind that do, but only so often: then nobody gets a
// place until what runs has left enough memory.
EngineSequence* EngineLoop::next_that_fits() {
  std::vector<EngineSequence*> waiting;
  for (const auto& sequence : removed_)
    waiting.push_back(sequence.get());
  for (const RequestId id : queue_.first(kMaxPassed + 1))
    waiting.push_back(queued_.at(id).get());
  std::vector<EngineSequence*> passed;
  for (EngineSequence* const sequence : waiting) {
    if (fits(*sequence)) {
      for (EngineSequence* const other : passed)
        ++other->overtaken;
      sequence->overtaken = 0;
      return sequence;
    }
    // An answer that has begun is waited for in the middle.
    const int64_t most =
        sequence->turn > 0 ? kMaxOvertakenAnswer : kMaxOvertaken;
    if (sequence->overtaken >= most || passed.size() == kMaxPassed)
      return nullptr;
    passed.push_back(sequence);
  }
  return nullptr;
}

// Out of the queue, or of those that had to give a place up.
std::unique_ptr<EngineSequence> EngineLoop::take_waiting(
    EngineSequence& sequence) {
  std::unique_ptr<EngineSequence> taken;
  const auto removed =
      std::find_if(removed_.begin(), removed_.end(), [&](const auto& one) {
        return one.get() == &sequence;
      });
  if (removed != removed_.end()) {
    taken = std::move(*removed);
    removed_.erase(removed);
    return taken;
  }
  const auto at = queued_.find(sequence.id);
  taken = std::move(at->second);
  queued_.erase(at);
  queue_.take(taken->id);
  inbox_.left_queue(1);
  return taken;
}

// May it have what the others were not promised? Saved prefixes do not count:
// they give way. Pages that several share count once.
bool EngineLoop::fits(const EngineSequence& sequence) {
  if (live_.empty())
    return true;
  std::vector<const void*> bases;
  int64_t total = reserved_bytes_;
  const auto add =
      [&](const EngineSequence& one, const void* base, int64_t base_tokens) {
        const int64_t shared = plan_.shared_bytes(base_tokens);
        total += plan_.sequence_bytes(promised_tokens(one)) - shared;
        if (std::find(bases.begin(), bases.end(), base) == bases.end()) {
          bases.push_back(base);
          total += shared;
        }
      };
  for (const auto& other : live_)
    add(*other, other->base, other->base_tokens);
  PrefixCache::Hit hit;
  if (sequence.request.use_cache)
    hit = prefixes_.find(
        sequence.tokens,
        static_cast<int64_t>(sequence.tokens.size()) - 1,
        false);
  add(sequence, hit.state.get(), hit.length());
  return total <= plan_.budget_bytes();
}

// The length up to which a sequence with a place shall have its memory.
int64_t EngineLoop::promised_tokens(const EngineSequence& sequence) const {
  const int64_t reserve = kReservedTokens << std::min<int64_t>(
                              sequence.preemptions, kMaxReserveDoublings);
  int64_t answer = capacity_;
  if (sequence.request.max_tokens >= 0)
    answer = sequence.request.max_tokens - sequence.answer.tokens();
  const auto length = static_cast<int64_t>(sequence.tokens.size());
  return std::min(capacity_, length + std::min(answer, reserve));
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
  find_prefix(placed);
}

// Its tokens stay; they are read again when there is memory.
void EngineLoop::preempt(EngineSequence& sequence) {
  log(LogLevel::debug,
      "engine",
      "request {} gives {} tokens of cache up",
      sequence.id,
      sequence.length());
  sequence.cache.reset();
  sequence.base = nullptr;
  sequence.base_tokens = 0;
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
  return plan_.budget_bytes() - model_.pool->used_bytes() - reserved_bytes_;
}

// Sees to it that the step finds its memory: saved prefixes go first, then the
// youngest sequences. A sequence that is alone may have all there is.
void EngineLoop::make_room(Pieces& pieces) {
  while (true) {
    int64_t need = 0;
    for (const Piece& piece : pieces)
      need += plan_.growth_bytes(
          piece.sequence->length(), piece.sequence->length() + piece.tokens);
    if (need <= free_bytes() || !release_something())
      return;
    std::erase_if(pieces, [](const Piece& piece) {
      return piece.sequence->state == State::queued;
    });
  }
}

// False: there is nothing left to release but the oldest sequence.
bool EngineLoop::release_something() {
  if (prefixes_.evict())
    return true;
  for (auto at = live_.rbegin(); at + 1 < live_.rend(); ++at) {
    if ((*at)->cache && (*at)->state != State::ended) {
      preempt(**at);
      return true;
    }
  }
  return false;
}

}  // namespace hadal
