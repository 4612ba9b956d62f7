// Prefixes that are on their way: computed by another sequence right now, or
// read from the disk.
#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"
#include "engine/engine_loop.h"

namespace hadal {
namespace {

using State = EngineSequence::State;

// Waiting for another sequence has to save so many tokens.
constexpr int64_t kLeastShared = 128;
// A reader that has not moved for so long is not waited for.
constexpr auto kMaxStill = std::chrono::seconds(10);
// How often one request may wait, one reader after the other.
constexpr int kMaxWaits = 3;

}  // namespace

// True: another sequence is computing more of this one's tokens than are known,
// and this one waits until that is done.
bool EngineLoop::wait_for_reader(EngineSequence& sequence, int64_t known) {
  if (sequence.waits >= kMaxWaits)
    return false;
  const std::span<const int32_t> tokens(sequence.tokens);
  EngineSequence* reader = nullptr;
  int64_t shared = known + kLeastShared - 1;
  for (const auto& other : live_) {
    if (other.get() == &sequence || other->state != State::reading ||
        !other->request.use_cache)
      continue;
    const auto common = std::mismatch(
                            tokens.begin(),
                            tokens.end() - 1,
                            other->tokens.begin(),
                            other->tokens.end() - 1)
                            .first -
                        tokens.begin();
    if (common > shared && common > other->length()) {
      reader = other.get();
      shared = common;
    }
  }
  if (reader == nullptr)
    return false;
  reader->kept.add(shared, PrefixKind::branch);
  sequence.state = State::waiting;
  sequence.waits_for = reader->id;
  sequence.waits_until = shared;
  sequence.waits_seen = reader->length();
  sequence.waits_since = EngineClock::now();
  ++sequence.waits;
  return true;
}

// Who waited for something that is there now, or will not come, goes on.
void EngineLoop::end_waits() {
  const auto now = EngineClock::now();
  for (const auto& sequence : live_) {
    if (sequence->state != State::waiting)
      continue;
    const auto reader =
        std::find_if(live_.begin(), live_.end(), [&](const auto& other) {
          return other->id == sequence->waits_for &&
                 other->state == State::reading &&
                 other->length() < sequence->waits_until;
        });
    if (reader != live_.end()) {
      if ((*reader)->length() != sequence->waits_seen) {
        sequence->waits_seen = (*reader)->length();
        sequence->waits_since = now;
      }
      if (now - sequence->waits_since < kMaxStill)
        continue;
      sequence->waits = kMaxWaits;
    }
    find_prefix(*sequence);
  }
}

// The store is looked into, and when it has something, room is made here before
// it is loaded there.
void EngineLoop::ask_store(EngineSequence& sequence, int64_t known) {
  sequence.state = State::loading;
  sequence.asked_store = true;
  const auto tokens =
      std::make_shared<const std::vector<int32_t>>(sequence.tokens);
  const RequestId id = sequence.id;
  loader_->look(tokens, known, [this, tokens, id, known](int64_t length) {
    inbox_.post([this, tokens, id, known, length] {
      if (length == 0 || find_live(id) == nullptr) {
        loaded(id, std::nullopt, 0);
        return;
      }
      const int64_t bytes = plan_.sequence_bytes(length);
      while (free_bytes() < bytes && prefixes_.evict()) {
      }
      reserved_bytes_ += bytes;
      loader_->load(
          tokens, known, [this, id, bytes](std::optional<SavedSequence> found) {
            const auto shared = std::make_shared<std::optional<SavedSequence>>(
                std::move(found));
            inbox_.post([this, id, bytes, shared] {
              loaded(id, std::move(*shared), bytes);
            });
          });
    });
  });
}

// It is kept even when the request that it was loaded for has gone.
void EngineLoop::loaded(
    RequestId id, std::optional<SavedSequence> found, int64_t reserved) {
  reserved_bytes_ -= reserved;
  EngineSequence* const sequence = find_live(id);
  if (found) {
    if (sequence != nullptr)
      sequence->loaded_tokens = found->state.length();
    if (!prefixes_.touch(found->tokens, PrefixKind::turn_end, false))
      prefixes_.insert(
          found->tokens, std::move(found->state), PrefixKind::turn_end, false);
  }
  if (sequence != nullptr && sequence->state == State::loading)
    find_prefix(*sequence);
}

EngineSequence* EngineLoop::find_live(RequestId id) {
  for (const auto& sequence : live_)
    if (sequence->id == id && sequence->state != State::ended)
      return sequence.get();
  return nullptr;
}

}  // namespace hadal
