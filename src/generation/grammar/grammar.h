// Rules over automata: the part of a grammar that needs a stack.
//
// A rule is a graph. Its edges read a whole leaf, or what another rule accepts;
// reading ends at a final node. Rules may use each other, also recursively.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "generation/grammar/leaf.h"

namespace hadal {

// A leaf with the number of characters that it may count.
struct Terminal {
  std::shared_ptr<const Leaf> leaf;
  int32_t min_chars = 0;
  int32_t max_chars = std::numeric_limits<int32_t>::max();
  bool is_markup = false;  // written literally: tags of tool calls
};

struct GrammarSymbol {
  bool is_rule = false;
  int32_t index = 0;  // of the terminal or rule
};

struct GrammarEdge {
  GrammarSymbol symbol;
  int32_t target = 0;
};

struct GrammarNode {
  std::vector<GrammarEdge> edges;
  bool is_final = false;
  // Nothing follows: no need to come back to it.
  bool is_end() const { return is_final && edges.empty(); }
};

// Immutable. Every node can reach a final one, and every leaf something to
// accept: what was accepted can always be completed.
struct Grammar {
  std::vector<Terminal> terminals;
  std::vector<GrammarNode> nodes;
  std::vector<int32_t> rules;  // the start node of each
  int32_t start = 0;           // node
  std::shared_ptr<const TokenTrie> trie;
};

// Beyond it a schema is refused.
inline constexpr size_t kMaxGrammarNodes = 200'000;
inline constexpr size_t kMaxGrammarEdges = 4'000'000;

class GrammarBuilder {
 public:
  int32_t add_node();
  // A rule whose start node is set later.
  int32_t add_rule();
  void set_start(int32_t rule, int32_t node);
  int32_t add_terminal(Terminal terminal);

  void add_edge(int32_t from, GrammarSymbol symbol, int32_t to);
  void skip(int32_t from, int32_t to);  // an edge that reads nothing
  void set_final(int32_t node);

  // Null when nothing is accepted. A rule must not begin with itself. Throws
  // GrammarRefusal for too many edges.
  std::unique_ptr<Grammar> finish(
      int32_t start_node, std::shared_ptr<const TokenTrie> trie) const;
  // Whether the rule accepts anything.
  bool is_productive(int32_t rule) const;

 private:
  std::vector<bool> productive_nodes() const;

  std::vector<Terminal> terminals_;
  std::vector<GrammarNode> nodes_;
  std::vector<std::vector<int32_t>> skips_;  // [nodes]
  std::vector<int32_t> rules_;
};

}  // namespace hadal
