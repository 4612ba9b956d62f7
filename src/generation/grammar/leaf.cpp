// Lazy tables and sharing.
#include "generation/grammar/leaf.h"

#include <algorithm>
#include <utility>

namespace hadal {

Leaf::Leaf(ByteAutomaton automaton, std::shared_ptr<const TokenTrie> trie)
    : automaton_(std::move(automaton)),
      trie_(std::move(trie)),
      tokens_(automaton_.states()) {}

Leaf::~Leaf() {
  for (std::atomic<const StateTokens*>& slot : tokens_)
    delete slot.load();
}

const StateTokens& Leaf::tokens(ByteAutomaton::StateId state) const {
  std::atomic<const StateTokens*>& slot = tokens_[state];
  const StateTokens* known = slot.load(std::memory_order_acquire);
  if (known != nullptr)
    return *known;
  auto found = std::make_unique<const StateTokens>(
      tokens_of_state(automaton_, state, *trie_));
  // Two threads may find the same; the first to be ready stays.
  if (slot.compare_exchange_strong(
          known, found.get(), std::memory_order_acq_rel))
    return *found.release();
  return *known;
}

LeafPool::LeafPool(std::shared_ptr<const TokenTrie> trie)
    : trie_(std::move(trie)) {}

std::shared_ptr<const Leaf> LeafPool::leaf(ByteAutomaton automaton) {
  std::string key = automaton.fingerprint();
  std::lock_guard lock(mutex_);
  std::weak_ptr<const Leaf>& slot = leaves_[key];
  std::shared_ptr<const Leaf> leaf = slot.lock();
  if (leaf == nullptr) {
    leaf = std::make_shared<const Leaf>(std::move(automaton), trie_);
    slot = leaf;
  }
  if (leaves_.size() >= sweep_at_) {
    std::erase_if(
        leaves_, [](const auto& one) { return one.second.expired(); });
    sweep_at_ = std::max<size_t>(1024, 2 * leaves_.size());
  }
  return leaf;
}

}  // namespace hadal
