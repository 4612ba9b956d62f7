// An automaton with what is known of the vocabulary at its states; equal ones
// are shared between grammars.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "generation/grammar/byte_automaton.h"
#include "generation/grammar/state_tokens.h"
#include "generation/grammar/token_trie.h"

namespace hadal {

// Safe from any number of threads.
class Leaf {
 public:
  Leaf(ByteAutomaton automaton, std::shared_ptr<const TokenTrie> trie);
  ~Leaf();
  Leaf(const Leaf&) = delete;
  Leaf& operator=(const Leaf&) = delete;

  const ByteAutomaton& automaton() const { return automaton_; }
  // Found on first use, which takes up to some milliseconds where most of the
  // vocabulary may stand.
  const StateTokens& tokens(ByteAutomaton::StateId state) const;

 private:
  ByteAutomaton automaton_;
  std::shared_ptr<const TokenTrie> trie_;
  mutable std::vector<std::atomic<const StateTokens*>> tokens_;  // [states]
};

// Safe from any number of threads. Keeps the leaves that some grammar uses.
class LeafPool {
 public:
  explicit LeafPool(std::shared_ptr<const TokenTrie> trie);

  const TokenTrie& trie() const { return *trie_; }
  std::shared_ptr<const TokenTrie> shared_trie() const { return trie_; }
  std::shared_ptr<const Leaf> leaf(ByteAutomaton automaton);

 private:
  std::shared_ptr<const TokenTrie> trie_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<const Leaf>> leaves_;
  size_t sweep_at_ = 1024;  // number of leaves at which dead ones are removed
};

}  // namespace hadal
