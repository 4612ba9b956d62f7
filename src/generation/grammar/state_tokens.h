// The vocabulary seen from one state of one automaton, without knowing the
// stack around it: which tokens stay inside, which end exactly with it, and
// which leave it with bytes that what follows has to read.
#pragma once

#include <cstdint>
#include <vector>

#include "generation/grammar/byte_automaton.h"
#include "generation/grammar/token_trie.h"

namespace hadal {

// A set of tokens, as bits when it is large.
class TokenSet {
 public:
  TokenSet() = default;
  TokenSet(std::vector<int32_t> tokens, int32_t vocabulary);
  void add_to(std::vector<uint64_t>& mask) const;
  bool contains(int32_t token) const;
  const std::vector<uint64_t>& words() const { return words_; }
  size_t memory_bytes() const { return words_.size() * 8 + tokens_.size() * 4; }

 private:
  std::vector<uint64_t> words_;  // empty: tokens_ holds them
  std::vector<int32_t> tokens_;  // sorted
};

struct CountedToken {
  int32_t token = 0;
  uint8_t count = 0;  // of characters, when the automaton is left
};

// A node of the trie of bytes left over, in depth-first order as in TokenTrie.
struct ExitNode {
  uint32_t end = 0;
  uint32_t first_token = 0;  // the tokens that end here: up to those of the
  uint32_t last_token = 0;   // node's range in exit_tokens, the last excluded
  uint8_t byte = 0;
  uint8_t depth = 0;
};

struct StateTokens {
  // Behind these tokens the automaton can still go on.
  TokenSet inside;
  // With these it ends, and it could not have gone on.
  std::vector<CountedToken> ends;
  // These leave it before their end; disjoint from `inside`.
  std::vector<ExitNode> exits;  // [0] is the root; empty: none
  std::vector<CountedToken> exit_tokens;

  // Of an automaton that counts: `inside` by rising count of characters;
  // those with more than n begin at above[n].
  std::vector<int32_t> by_count;
  std::vector<uint32_t> above;  // [the highest count + 1]; empty: all count 0

  // Adds the tokens of `inside` with at most `limit` characters.
  void add_inside_up_to(int64_t limit, std::vector<uint64_t>& mask) const;
  size_t memory_bytes() const;
};

StateTokens tokens_of_state(
    const ByteAutomaton& automaton,
    ByteAutomaton::StateId state,
    const TokenTrie& trie);

}  // namespace hadal
