// Saved prefixes in memory: which there are, which one a prompt can go on from,
// and which one is missed least.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cache/snapshot.h"
#include "engine/page_ledger.h"
#include "engine/prefix_tree.h"

namespace hadal {

// Why a length was saved: how likely it is that somebody goes on from there.
enum class PrefixKind {
  periodic,    // every so many tokens
  prompt_end,  // where the answer, and the next turn's prompt, begins
  turn_end,    // the end of an answer
  branch,      // where prompts are known to part: the end of the system text
};

// Owned by the engine's thread.
class PrefixCache {
 public:
  // scratch_bytes: the most that side requests' prefixes take together.
  explicit PrefixCache(int64_t scratch_bytes) : scratch_limit_(scratch_bytes) {}

  struct Hit {
    std::shared_ptr<const Snapshot> state;  // null: nothing to go on from
    int64_t common = 0;  // leading tokens that the tree knows
    int64_t length() const { return state ? state->length() : 0; }
  };
  // The longest saved prefix of at most `most` of the tokens. `use`: it is
  // taken up, which makes it and what leads to it more useful.
  Hit find(std::span<const int32_t> tokens, int64_t most, bool use);

  // Saves what is not known yet; tokens.size() == state.length().
  void insert(
      std::span<const int32_t> tokens,
      Snapshot state,
      PrefixKind kind,
      bool scratch);
  // True: these tokens are known, and a state of them is all there can be. They
  // are as useful as if they had been inserted now.
  bool touch(std::span<const int32_t> tokens, PrefixKind kind, bool scratch);

  // Forgets the least useful one: side requests' first, then by what computing
  // it again would cost, how likely that is, and the memory it takes. False:
  // there is none.
  bool evict();
  // Forgets a state that turned out to be wrong.
  void drop(const Snapshot* state);
  void clear();

  int64_t count() const { return count_; }
  uint64_t evicted() const { return evicted_; }
  const PageLedger& ledger() const { return ledger_; }

 private:
  struct Saved {
    std::shared_ptr<const Snapshot> state;
    PrefixKind kind = PrefixKind::periodic;
    bool scratch = false;
    bool passed = false;  // its conversation has gone on
    uint64_t used = 0;    // the tick of its last use
    double hits = 0;
    int64_t bytes = 0;  // about what it added
  };
  using Tree = PrefixTree<Saved>;

  void renew(Tree::Node& node, PrefixKind kind, bool scratch);
  double usefulness(const Tree::Node& node) const;
  Tree::Node* least_useful(bool scratch) const;
  void remove(Tree::Node* node);

  const int64_t scratch_limit_;
  Tree tree_;
  PageLedger ledger_;
  uint64_t tick_ = 0;  // counts lookups that were used
  int64_t count_ = 0;
  int64_t scratch_bytes_ = 0;
  int64_t scratch_count_ = 0;
  uint64_t evicted_ = 0;
};

}  // namespace hadal
