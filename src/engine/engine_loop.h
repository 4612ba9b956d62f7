// What the engine's thread does: take in, give places, plan a step, run it,
// hand the tokens out.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/batch_engine_options.h"
#include "engine/cache_plan.h"
#include "engine/engine_inbox.h"
#include "engine/engine_model.h"
#include "engine/engine_sequence.h"
#include "engine/fair_queue.h"
#include "engine/prefix_cache.h"
#include "engine/prefix_loader.h"
#include "engine/prompt_shares.h"
#include "engine/step_times.h"

namespace hadal {

// All calls but status() come from the engine's thread.
class EngineLoop {
 public:
  // The inbox outlives it.
  EngineLoop(
      EngineModel model,
      const BatchEngineOptions& options,
      const CachePlan& plan,
      EngineInbox& inbox);

  // Returns when the inbox was stopped and every request has ended.
  void run();

  EngineStatus status() const;  // any thread

  void clear_prefixes();

 private:
  using Sequences = std::vector<std::unique_ptr<EngineSequence>>;
  // A sequence's part of a step.
  struct Piece {
    EngineSequence* sequence = nullptr;
    int64_t tokens = 0;
    bool to_the_end = false;  // the last token's logits are wanted
  };
  using Pieces = std::vector<Piece>;

  // --- engine_loop.cpp: the loop and what comes in
  bool turn();
  void receive(EngineInbox::Mail mail);
  void cancel(RequestId id);
  void expire();
  bool has_work() const;
  std::optional<EngineClock::time_point> next_deadline() const;
  void publish(bool exactly = false);
  void count_saved_bytes(EngineClock::time_point now, bool must);
  void fail_everything(const Error& error);
  void lose_device(const DeviceLost& error);
  void end_everything(const Error& error);

  // --- engine_admission.cpp: who gets a place, and who has to give it up
  void admit();
  EngineSequence* next_that_fits();
  bool fits(const EngineSequence& sequence);
  int64_t promised_tokens(const EngineSequence& sequence) const;
  std::unique_ptr<EngineSequence> take_waiting(EngineSequence& sequence);
  void give_place(std::unique_ptr<EngineSequence> sequence);
  void preempt(EngineSequence& sequence);
  void make_room(Pieces& pieces);
  bool release_something();
  int64_t free_bytes() const;

  // --- engine_prefixes.cpp: what sequences begin with, and what they leave
  void find_prefix(EngineSequence& sequence);
  void start_from(
      EngineSequence& sequence, std::shared_ptr<const Snapshot> state);
  void save_reached(EngineSequence& sequence, int64_t before);
  void save_end(EngineSequence& sequence, EngineFinish finish);
  void save(EngineSequence& sequence, int64_t length, PrefixKind kind);
  bool verify(const EngineSequence& sequence, const Snapshot& state);

  // --- engine_sharing.cpp: prefixes that are on their way
  bool wait_for_reader(EngineSequence& sequence, int64_t known);
  void end_waits();
  void ask_store(EngineSequence& sequence, int64_t known);
  void loaded(
      RequestId id, std::optional<SavedSequence> found, int64_t reserved);
  EngineSequence* find_live(RequestId id);

  // --- engine_step.cpp: a step
  Pieces plan_step();
  void run_step(const Pieces& pieces);
  void take_results(const Pieces& pieces);
  void out_of_memory(const Pieces& pieces, const Error& error);
  void run_failed(const Pieces& pieces, const Error& error);
  void repair(EngineSequence& sequence);

  // --- engine_answers.cpp: tokens and ends
  void choose_tokens(std::span<const Piece> ready);
  void take_token(EngineSequence& sequence, const AnswerToken& token);
  void end(
      EngineSequence& sequence,
      EngineFinish finish,
      int32_t end_token = -1,
      std::optional<Error> error = std::nullopt);
  void sweep();
  void tell_ends();

  const EngineModel model_;
  const BatchEngineOptions options_;
  const CachePlan plan_;
  const int64_t capacity_;  // the most tokens of a sequence
  EngineInbox& inbox_;

  std::unordered_map<RequestId, std::unique_ptr<EngineSequence>> queued_;
  FairQueue queue_;    // of queued_
  Sequences live_;     // those with a place, the oldest first
  Sequences removed_;  // those that had to give it up, the oldest first
  uint64_t turns_ = 0;
  // Ends that observers have not heard of yet.
  std::vector<std::pair<std::shared_ptr<EngineObserver>, EngineEnd>> ends_;
  std::optional<EngineClock::time_point> stop_at_;
  std::optional<DeviceLost> lost_;  // the device is gone: nothing runs any more

  PrefixCache prefixes_;
  int64_t reserved_bytes_ = 0;  // for what is being loaded
  // When exclusive bytes were last counted, and how long that took.
  int64_t saved_bytes_ = 0;
  EngineClock::time_point counted_;
  EngineClock::duration counting_{};

  PromptShares shares_;
  StepTimes times_;
  std::vector<float> logits_;  // [wanted, vocabulary]
  double request_seconds_ = 0;

  EngineStatus totals_;  // counters; the rest is filled in by publish
  mutable std::mutex status_mutex_;
  EngineStatus status_;

  std::unique_ptr<PrefixLoader> loader_;  // last: its thread uses the inbox
};

}  // namespace hadal
