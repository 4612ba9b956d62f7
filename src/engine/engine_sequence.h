// One request in the engine's hands.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cache/sequence_cache.h"
#include "engine/answer.h"
#include "engine/engine.h"
#include "engine/kept_lengths.h"

namespace hadal {

using EngineClock = std::chrono::steady_clock;

// Made by submit on the caller's thread, then owned by the engine's thread.
struct EngineSequence {
  // Throws Error(invalid_argument) naming the field.
  EngineSequence(EngineRequest given, int64_t vocabulary, int64_t keep_every)
      : request(std::move(given)),
        answer(request, vocabulary),
        tokens(std::move(request.prompt)),
        prompt_tokens(static_cast<int64_t>(tokens.size())),
        kept(request.keep_at, prompt_tokens, keep_every) {}

  enum class State {
    queued,
    loading,  // the disk is asked for a saved prefix
    waiting,  // another sequence is computing what this one shares with it
    reading,  // its tokens are fed until the last one's logits are there
    generating,
    ended,
  };

  RequestId id = 0;
  EngineRequest request;  // without prompt and constraint
  Answer answer;
  State state = State::queued;

  // Prompt and answer. The cache holds the first of them; what is left is fed
  // next, and the last one's logits give the next token. So at least one is
  // always left.
  std::vector<int32_t> tokens;
  int64_t prompt_tokens;
  std::optional<SequenceCache> cache;  // while it has a place

  KeptLengths kept;      // where its state is saved
  bool scratch = false;  // what it leaves behind goes first
  // The saved prefix it began with, of which it shares the pages: to tell equal
  // ones from others, not to look into.
  const void* base = nullptr;
  int64_t base_tokens = 0;

  // While it waits: for whom, until that one is so long, and how long it was
  // when it last moved.
  RequestId waits_for = 0;
  int64_t waits_until = 0;
  int64_t waits_seen = 0;
  EngineClock::time_point waits_since;
  int waits = 0;  // how often it did
  bool asked_store = false;
  int64_t loaded_tokens = 0;  // of what the store gave

  int64_t cached_tokens = 0;  // of the prompt, not computed by this request
  bool started = false;       // on_start was called
  uint64_t turn = 0;          // when it was first given a place: its age
  int64_t preemptions = 0;
  // How many that came later were given a place while this one waited for
  // memory.
  int64_t overtaken = 0;
  // A run that it was part of failed: it runs alone until one succeeds.
  bool suspect = false;

  EngineClock::time_point submitted;
  EngineClock::time_point given_place;
  EngineClock::time_point first_logits;

  int64_t length() const { return cache ? cache->length() : 0; }
  int64_t left() const {
    return static_cast<int64_t>(tokens.size()) - length();
  }
  // The next `count` tokens to feed.
  std::span<const int32_t> next(int64_t count) const {
    return std::span(tokens).subspan(
        static_cast<size_t>(length()), static_cast<size_t>(count));
  }
  // One token of every step is its due.
  bool decodes() const { return state == State::generating; }
};

}  // namespace hadal
