// Saved prefixes at work: what a sequence begins with, and what it leaves.
#include <algorithm>
#include <bit>
#include <utility>

#include "base/log.h"
#include "engine/engine_loop.h"

namespace hadal {
namespace {

using State = EngineSequence::State;

// Less is read again sooner than it is saved and restored.
constexpr int64_t kLeastKept = 32;
// Periodic and branching lengths lie at least so far from a shorter one.
constexpr int64_t kLeastStep = 128;
// The disk is asked when so many tokens would have to be computed.
constexpr int64_t kLeastLoad = 256;
// A prompt of which so much was computed is offered to the disk at its end, not
// only with its answer.
constexpr int64_t kLongPrompt = 1024;
// A request that shares less with what is known, and is short, is a side
// request.
constexpr int64_t kTinyCommon = 128;

}  // namespace

// The first look when a sequence gets a place, and the last when what it waited
// for is there or will not come.
void EngineLoop::find_prefix(EngineSequence& sequence) {
  if (!sequence.request.use_cache) {
    start_from(sequence, nullptr);
    return;
  }
  const auto length = static_cast<int64_t>(sequence.tokens.size());
  const PrefixCache::Hit known =
      prefixes_.find(sequence.tokens, length - 1, false);
  if (!sequence.started) {
    sequence.scratch = sequence.prompt_tokens < options_.scratch_tokens &&
                       known.common < kTinyCommon;
    // Where this prompt parts from others, the next one will, too.
    if (known.common < length && known.common - known.length() >= kLeastStep)
      sequence.kept.add(known.common, PrefixKind::branch);
    if (wait_for_reader(sequence, known.length()))
      return;
    if (loader_ && !sequence.asked_store &&
        length - 1 - known.length() >= kLeastLoad) {
      ask_store(sequence, known.length());
      return;
    }
  }
  start_from(sequence, prefixes_.find(sequence.tokens, length - 1, true).state);
}

// Reads on from a saved state, or from nothing.
void EngineLoop::start_from(
    EngineSequence& sequence, std::shared_ptr<const Snapshot> state) {
  sequence.state = State::reading;
  sequence.base = nullptr;
  sequence.base_tokens = 0;
  if (state != nullptr) {
    while (free_bytes() < plan_.restore_bytes() && prefixes_.evict()) {
    }
    if (options_.verify_hits && !verify(sequence, *state)) {
      prefixes_.drop(state.get());
      state = nullptr;
    }
  }
  if (state != nullptr) {
    try {
      sequence.cache.emplace(*state);
      sequence.base = state.get();
      sequence.base_tokens = state->length();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::resource)
        throw;
    }
  }
  if (!sequence.cache)
    sequence.cache.emplace(model_.layout, model_.pool);
  if (sequence.started)
    return;
  sequence.started = true;
  sequence.cached_tokens = sequence.length();
  totals_.cached_tokens += static_cast<uint64_t>(sequence.cached_tokens);
  if (sequence.loaded_tokens > 0 &&
      sequence.cached_tokens == sequence.loaded_tokens)
    totals_.disk_cached_tokens += static_cast<uint64_t>(sequence.cached_tokens);
  sequence.request.observer->on_start(
      {.prompt_tokens = sequence.prompt_tokens,
       .cached_tokens = sequence.cached_tokens,
       .seed = sequence.answer.seed()});
}

// Saves the states that the last piece has passed.
void EngineLoop::save_reached(EngineSequence& sequence, int64_t before) {
  if (!sequence.request.use_cache)
    return;
  const int64_t length = sequence.length();
  for (KeptLength kept = sequence.kept.next(before); kept.length <= length;
       kept = sequence.kept.next(kept.length))
    if (kept.length >= sequence.cache->rewind_floor())
      save(sequence, kept.length, kept.kind);
}

// What a sequence leaves behind when it ends: the whole state, the token that
// was sampled last not included, which was never fed. The next turn feeds it.
void EngineLoop::save_end(EngineSequence& sequence, EngineFinish finish) {
  if (!sequence.request.use_cache || !sequence.cache ||
      finish == EngineFinish::failed || sequence.cache->poisoned())
    return;
  const bool read = sequence.answer.tokens() > 0;
  save(
      sequence,
      sequence.length(),
      read ? PrefixKind::turn_end : PrefixKind::prompt_end);
}

void EngineLoop::save(
    EngineSequence& sequence, int64_t length, PrefixKind kind) {
  if (length < kLeastKept)
    return;
  const std::span<const int32_t> tokens =
      std::span(sequence.tokens).first(static_cast<size_t>(length));
  if (prefixes_.touch(tokens, kind, sequence.scratch))
    return;
  const bool between =
      kind == PrefixKind::periodic || kind == PrefixKind::branch;
  if (between &&
      length - prefixes_.find(tokens, length, false).length() < kLeastStep)
    return;
  while (true) {
    try {
      Snapshot state = sequence.cache->snapshot(length);
      const bool computed_much = length - sequence.base_tokens >= kLongPrompt;
      if (options_.store != nullptr && kind != PrefixKind::periodic &&
          (kind != PrefixKind::prompt_end || computed_much))
        options_.store->offer({tokens.begin(), tokens.end()}, state);
      prefixes_.insert(tokens, std::move(state), kind, sequence.scratch);
      break;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::resource)
        throw;
      if (!prefixes_.evict())
        return;
    }
  }
  // It may itself be what is missed least.
  while (free_bytes() < 0 && prefixes_.evict()) {
  }
}

void EngineLoop::clear_prefixes() {
  prefixes_.clear();
  publish(true);
}

// Computes the state again from nothing and compares what follows it, bit by
// bit. Takes as long as the prompt does: a diagnosis.
bool EngineLoop::verify(const EngineSequence& sequence, const Snapshot& state) {
  const int64_t length = state.length();
  const std::span<const int32_t> tokens(sequence.tokens);
  std::vector<float> expected(static_cast<size_t>(model_.vocabulary));
  std::vector<float> found(expected.size());
  const int64_t last = 0;
  const auto feed = [&](SequenceCache& cache, int64_t count, float* logits) {
    const BatchEntry entry{
        .cache = &cache,
        .tokens = tokens.subspan(
            static_cast<size_t>(cache.length()), static_cast<size_t>(count)),
        .logits_at = {&last, logits == nullptr ? size_t{0} : size_t{1}}};
    model_.run({&entry, 1}, logits);
  };
  try {
    SequenceCache cold(model_.layout, model_.pool);
    while (cold.length() < length)
      feed(
          cold, std::min(model_.chunk_tokens, length - cold.length()), nullptr);
    feed(cold, 1, expected.data());
    SequenceCache hot(state);
    feed(hot, 1, found.data());
  } catch (const Error& error) {
    log(LogLevel::warning,
        "engine",
        "a saved prefix of {} tokens could not be verified: {}",
        length,
        error.what());
    return true;
  }
  const bool equal = std::equal(
      expected.begin(), expected.end(), found.begin(), [](float a, float b) {
        return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
      });
  if (!equal)
    log(LogLevel::error,
        "engine",
        "request {}: a saved prefix of {} tokens gives other logits than "
        "computing it; it is dropped",
        sequence.id,
        length);
  return equal;
}

}  // namespace hadal
