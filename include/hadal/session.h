// One timeline of tokens and what the model remembers of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "hadal/model.h"

namespace hadal {

struct FeedOptions {
  // Offsets into the fed tokens whose logits are wanted, increasing. By default
  // only the last token's.
  std::vector<int64_t> logits_at;
  bool all_logits = false;
  // Called after every chunk with the tokens done and their total.
  std::function<void(int64_t done, int64_t total)> on_progress;
  // Diagnosis: called after every layer of every chunk with the residual
  // streams [chunk tokens, streams, hidden] of the tokens from `first` on.
  std::function<void(
      int64_t layer, int64_t first, std::span<const float> streams)>
      on_layer;
  // Checked between chunks and between the layers of long ones; feed then
  // throws Error(cancelled). The session stays valid, with the tokens of the
  // chunks that were done, or of the last snapshot before.
  std::stop_token stop;
  int64_t chunk_tokens = 0;  // 0: as the executor likes; no effect on any bit
};

// Owned by one thread. The logits after a token depend on the weights and the
// tokens up to it alone, to the bit: not on how they were fed, rewound, forked
// or loaded (the invariance law).
class Session {
 public:
  explicit Session(Model model);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  const Model& model() const;
  int64_t length() const;
  std::span<const int32_t> tokens() const;

  // Appends tokens; returns their logits [wanted, vocabulary], valid until the
  // next call. Throws Error(resource) when the context would overflow and
  // Error(invalid_argument) for no tokens or ids outside the vocabulary, with
  // nothing fed.
  std::span<const float> feed(
      std::span<const int32_t> tokens, const FeedOptions& options = {});

  // Makes the timeline exactly `tokens`, reusing what it shares with the
  // present one, and returns the logits of the last token. `reused` gets the
  // number of tokens that were not computed again.
  std::span<const float> advance_to(
      std::span<const int32_t> tokens,
      const FeedOptions& options = {},
      int64_t* reused = nullptr);

  // Forgets the tokens from `length` on. Any distance: where the state cannot
  // be cut exactly, an earlier one is taken up and the rest is fed again.
  void rewind(int64_t length);

  // A second timeline with the same past. Cheap: pages are shared.
  Session fork() const;

  // Drafts: the next-token module's logits [vocabulary] for the token after
  // `next`, which follows the last fed token. Throws Error(unsupported) when
  // the checkpoint has no such module. Nothing is appended.
  std::span<const float> draft(int32_t next);

  // Writes the state, or reads one that this model with these options wrote.
  void save(const std::filesystem::path& file) const;
  static Session load(Model model, const std::filesystem::path& file);

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hadal
