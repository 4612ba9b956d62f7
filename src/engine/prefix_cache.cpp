#include "engine/prefix_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace hadal {
namespace {

// How likely a use is before any was seen.
double prior(PrefixKind kind) {
  switch (kind) {
    case PrefixKind::periodic:
      return 0.1;
    case PrefixKind::prompt_end:
      return 0.8;
    case PrefixKind::turn_end:
    case PrefixKind::branch:
      return 1;
  }
  return 0;
}

// A turn that another turn was built on is needed again only when somebody goes
// back.
constexpr double kPassed = 0.15;
// A place where prompts part was used before: it will be again. (A turn that
// was used is one that the conversation has left.)
constexpr double kHit = 0.5;
constexpr double kMaxHits = 8;
// Uses of other prefixes until the chance has halved: conversations come and
// go, system texts stay.
constexpr double kTurnHalfLife = 4;
constexpr double kHalfLife = 32;

bool ends_a_turn(PrefixKind kind) {
  return kind == PrefixKind::prompt_end || kind == PrefixKind::turn_end;
}

}  // namespace

PrefixCache::Hit PrefixCache::find(
    std::span<const int32_t> tokens, int64_t most, bool use) {
  const Tree::Match match = tree_.find(tokens, most);
  Hit hit{.common = match.common};
  if (use)
    ++tick_;
  if (match.node == nullptr)
    return hit;
  Saved& saved = *match.node->value();
  hit.state = saved.state;
  if (use) {
    saved.used = tick_;
    saved.hits = std::min(saved.hits + 1, kMaxHits);
  }
  return hit;
}

void PrefixCache::insert(
    std::span<const int32_t> tokens,
    Snapshot state,
    PrefixKind kind,
    bool scratch) {
  HADAL_CHECK(static_cast<int64_t>(tokens.size()) == state.length());
  Tree::Node* const node = tree_.at(tokens);
  HADAL_CHECK(!node->value());
  const int64_t before = ledger_.held_bytes();
  ledger_.add(state);
  node->value() = Saved{
      .state = std::make_shared<const Snapshot>(std::move(state)),
      .kind = kind,
      .scratch = scratch,
      .bytes = ledger_.held_bytes() - before};
  ++count_;
  if (scratch) {
    ++scratch_count_;
    scratch_bytes_ += node->value()->bytes;
  }
  renew(*node, kind, scratch);
  while (scratch_bytes_ > scratch_limit_)
    remove(least_useful(true));
}

bool PrefixCache::touch(
    std::span<const int32_t> tokens, PrefixKind kind, bool scratch) {
  const auto length = static_cast<int64_t>(tokens.size());
  const Tree::Match match = tree_.find(tokens, length);
  if (match.node == nullptr || match.node->length() != length)
    return false;
  renew(*match.node, kind, scratch);
  return true;
}

void PrefixCache::renew(Tree::Node& node, PrefixKind kind, bool scratch) {
  Saved& saved = *node.value();
  saved.used = tick_;
  if (prior(kind) > prior(saved.kind))
    saved.kind = kind;
  if (saved.scratch && !scratch) {
    saved.scratch = false;
    --scratch_count_;
    scratch_bytes_ -= saved.bytes;
  }
  if (kind != PrefixKind::prompt_end)
    return;
  for (Tree::Node* up = node.ancestor(); up != nullptr; up = up->ancestor())
    up->value()->passed = ends_a_turn(up->value()->kind);
}

// What is lost with it, per byte that comes free: the tokens that have to be
// computed again because only a shorter prefix is left, times the chance that
// somebody needs them.
double PrefixCache::usefulness(const Tree::Node& node) const {
  const Saved& saved = *node.value();
  const Tree::Node* const above = node.ancestor();
  const int64_t tokens = node.length() - (above ? above->length() : 0);
  const bool turn = ends_a_turn(saved.kind);
  const double chance = (turn ? prior(saved.kind) * (saved.passed ? kPassed : 1)
                              : prior(saved.kind) + saved.hits * kHit) /
                        (1 + static_cast<double>(tick_ - saved.used) /
                                 (turn ? kTurnHalfLife : kHalfLife));
  // Pages of a state that longer ones share do not come free.
  const int64_t bytes = node.is_leaf()
                            ? saved.bytes
                            : std::min(saved.bytes, saved.state->own_bytes());
  return chance * static_cast<double>(tokens) /
         static_cast<double>(std::max<int64_t>(bytes, 1));
}

PrefixCache::Tree::Node* PrefixCache::least_useful(bool scratch) const {
  Tree::Node* least = nullptr;
  double least_use = 0;
  tree_.for_each([&](Tree::Node* node) {
    if (node->value()->scratch != scratch)
      return;
    const double use = usefulness(*node);
    if (least == nullptr || use < least_use) {
      least = node;
      least_use = use;
    }
  });
  return least;
}

bool PrefixCache::evict() {
  if (count_ == 0)
    return false;
  remove(least_useful(scratch_count_ > 0));
  return true;
}

void PrefixCache::remove(Tree::Node* node) {
  HADAL_CHECK(node != nullptr);
  const Saved& saved = *node->value();
  ledger_.remove(*saved.state);
  --count_;
  ++evicted_;
  if (saved.scratch) {
    --scratch_count_;
    scratch_bytes_ -= saved.bytes;
  }
  tree_.remove(node);
}

void PrefixCache::drop(const Snapshot* state) {
  Tree::Node* found = nullptr;
  tree_.for_each([&](Tree::Node* node) {
    if (node->value()->state.get() == state)
      found = node;
  });
  if (found != nullptr)
    remove(found);
}

void PrefixCache::clear() {
  tree_.for_each(
      [&](Tree::Node* node) { ledger_.remove(*node->value()->state); });
  tree_.clear();
  count_ = 0;
  scratch_bytes_ = 0;
  scratch_count_ = 0;
}

}  // namespace hadal
