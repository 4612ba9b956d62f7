// The vocabulary as a trie over bytes, for finding all tokens that an automaton
// can read.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "hadal/tokenizer.h"

namespace hadal {

// Holds the tokens that may stand inside constrained text: those of the base
// vocabulary, and the DSML marker token, spelled kMarkerByte. Other added
// tokens are control tokens and not in it. Immutable.
class TokenTrie {
 public:
  // In depth-first order: the first child of node n is n + 1, the next node
  // that is not below n is `end`.
  struct Node {
    uint32_t end = 0;
    int32_t token = -1;  // that ends here
    uint8_t byte = 0;
    uint8_t depth = 0;  // of the root 0; a token of n bytes ends at depth n
  };

  // Tokens of more than 255 bytes are left out: no text needs them.
  explicit TokenTrie(const Tokenizer& tokenizer);

  const std::vector<Node>& nodes() const { return nodes_; }  // [0] is the root
  int32_t vocabulary() const { return static_cast<int32_t>(spelled_.size()); }
  // The bytes that the automata read for a token; empty for control tokens.
  // They live as long as this does.
  std::string_view spelling(int32_t token) const {
    return spelled_[static_cast<size_t>(token)];
  }
  // -1 when the vocabulary has none.
  int32_t marker_token() const { return marker_; }
  size_t memory_bytes() const;

 private:
  Tokenizer tokenizer_;  // owns the spellings' bytes
  std::vector<std::string_view> spelled_;
  std::vector<Node> nodes_;
  int32_t marker_ = -1;
};

}  // namespace hadal
