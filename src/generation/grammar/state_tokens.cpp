// One walk over the vocabulary's trie, in step with the automaton.
#include "generation/grammar/state_tokens.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hadal {
namespace {

// From here on bits are smaller, or faster to add.
constexpr size_t kManyTokens = 512;

void set_bit(std::vector<uint64_t>& mask, int32_t token) {
  mask[static_cast<size_t>(token) / 64] |= uint64_t{1} << (token % 64);
}

// A place in the vocabulary's trie at which the automaton may end, and the
// count of characters there.
struct Exit {
  uint32_t node = 0;
  uint8_t count = 0;
};

struct Walk {
  std::vector<CountedToken> inside;
  std::vector<CountedToken> ends;
  std::vector<Exit> exits;
};

Walk walk(
    const ByteAutomaton& automaton,
    ByteAutomaton::StateId start,
    const TokenTrie& trie) {
  Walk result;
  std::array<ByteAutomaton::StateId, 256> states{};
  std::array<uint8_t, 256> counts{};
  states[0] = start;
  const std::vector<TokenTrie::Node>& nodes = trie.nodes();
  for (uint32_t n = 1; n < nodes.size();) {
    const TokenTrie::Node& node = nodes[n];
    const size_t above = node.depth - size_t{1};
    const ByteAutomaton::StateId state =
        automaton.next(states[above], node.byte);
    if (state == ByteAutomaton::kDead) {
      n = node.end;
      continue;
    }
    const uint8_t count = static_cast<uint8_t>(
        counts[above] + automaton.count(states[above], node.byte));
    states[node.depth] = state;
    counts[node.depth] = count;
    const bool may_end = automaton.accepts(state);
    if (node.token >= 0) {
      if (automaton.continues(state))
        result.inside.push_back({node.token, count});
      else if (may_end)
        result.ends.push_back({node.token, count});
    }
    if (may_end && node.end > n + 1)
      result.exits.push_back({n, count});
    n = automaton.continues(state) ? n + 1 : node.end;
  }
  return result;
}

// Joins what lies below the exits into one trie.
class ExitTrie {
 public:
  ExitTrie(const TokenTrie& trie, const TokenSet& inside)
      : trie_(trie), inside_(inside), nodes_(1) {}

  void add(const Exit& exit);
  void flatten(StateTokens& result) const { flatten(0, 0, result); }
  bool empty() const { return nodes_.size() == 1; }

 private:
  struct Node {
    uint8_t byte = 0;
    int32_t first_child = -1;
    int32_t next = -1;  // sibling
    std::vector<CountedToken> tokens;
  };
  int32_t child(int32_t parent, uint8_t byte);
  void flatten(int32_t node, uint8_t depth, StateTokens& result) const;

  const TokenTrie& trie_;
  const TokenSet& inside_;
  std::vector<Node> nodes_;
};

int32_t ExitTrie::child(int32_t parent, uint8_t byte) {
  int32_t* link = &nodes_[static_cast<size_t>(parent)].first_child;
  while (*link >= 0 && nodes_[static_cast<size_t>(*link)].byte < byte)
    link = &nodes_[static_cast<size_t>(*link)].next;
  if (*link >= 0 && nodes_[static_cast<size_t>(*link)].byte == byte)
    return *link;
  int32_t added = static_cast<int32_t>(nodes_.size());
  int32_t next = std::exchange(*link, added);
  nodes_.push_back({byte, -1, next, {}});
  return added;
}

void ExitTrie::add(const Exit& exit) {
  const std::vector<TokenTrie::Node>& source = trie_.nodes();
  const size_t top = source[exit.node].depth;
  std::array<int32_t, 256> path{};
  for (uint32_t n = exit.node + 1; n < source[exit.node].end; ++n) {
    const size_t depth = source[n].depth - top;
    path[depth] = child(path[depth - 1], source[n].byte);
    if (source[n].token >= 0 && !inside_.contains(source[n].token))
      nodes_[static_cast<size_t>(path[depth])].tokens.push_back(
          {source[n].token, exit.count});
  }
}

void ExitTrie::flatten(int32_t node, uint8_t depth, StateTokens& result) const {
  const Node& from = nodes_[static_cast<size_t>(node)];
  const size_t place = result.exits.size();
  const uint32_t first = static_cast<uint32_t>(result.exit_tokens.size());
  result.exit_tokens.insert(
      result.exit_tokens.end(), from.tokens.begin(), from.tokens.end());
  result.exits.push_back(
      {0,
       first,
       static_cast<uint32_t>(result.exit_tokens.size()),
       from.byte,
       depth});
  for (int32_t c = from.first_child; c >= 0;
       c = nodes_[static_cast<size_t>(c)].next)
    flatten(c, static_cast<uint8_t>(depth + 1), result);
  result.exits[place].end = static_cast<uint32_t>(result.exits.size());
}

void sort_by_count(
    const std::vector<CountedToken>& inside, StateTokens& result) {
  std::array<uint32_t, 257> first{};
  uint8_t highest = 0;
  for (const CountedToken& token : inside) {
    ++first[token.count + size_t{1}];
    highest = std::max(highest, token.count);
  }
  if (highest == 0)
    return;
  for (size_t n = 1; n < first.size(); ++n)
    first[n] += first[n - 1];
  result.above.assign(first.begin() + 1, first.begin() + 2 + highest);
  result.by_count.resize(inside.size());
  for (const CountedToken& token : inside)
    result.by_count[first[token.count]++] = token.token;
}

}  // namespace

TokenSet::TokenSet(std::vector<int32_t> tokens, int32_t vocabulary) {
  if (tokens.size() < kManyTokens) {
    std::sort(tokens.begin(), tokens.end());
    tokens_ = std::move(tokens);
    return;
  }
  words_.resize((static_cast<size_t>(vocabulary) + 63) / 64);
  for (int32_t token : tokens)
    set_bit(words_, token);
}

void TokenSet::add_to(std::vector<uint64_t>& mask) const {
  for (size_t w = 0; w < words_.size(); ++w)
    mask[w] |= words_[w];
  for (int32_t token : tokens_)
    set_bit(mask, token);
}

bool TokenSet::contains(int32_t token) const {
  if (words_.empty())
    return std::binary_search(tokens_.begin(), tokens_.end(), token);
  return ((words_[static_cast<size_t>(token) / 64] >> (token % 64)) & 1) != 0;
}

void StateTokens::add_inside_up_to(
    int64_t limit, std::vector<uint64_t>& mask) const {
  if (above.empty() || limit >= static_cast<int64_t>(above.size()) - 1)
    return inside.add_to(mask);
  if (limit < 0)
    return;
  const size_t end = above[static_cast<size_t>(limit)];
  if (inside.words().empty() || end <= by_count.size() / 2) {
    for (size_t i = 0; i < end; ++i)
      set_bit(mask, by_count[i]);
    return;
  }
  std::vector<uint64_t> words = inside.words();
  for (size_t i = end; i < by_count.size(); ++i)
    words[static_cast<size_t>(by_count[i]) / 64] &=
        ~(uint64_t{1} << (by_count[i] % 64));
  for (size_t w = 0; w < words.size(); ++w)
    mask[w] |= words[w];
}

size_t StateTokens::memory_bytes() const {
  return sizeof(*this) + inside.memory_bytes() +
         (ends.size() + exit_tokens.size()) * sizeof(CountedToken) +
         exits.size() * sizeof(ExitNode) + by_count.size() * 4 +
         above.size() * 4;
}

StateTokens tokens_of_state(
    const ByteAutomaton& automaton,
    ByteAutomaton::StateId state,
    const TokenTrie& trie) {
  Walk found = walk(automaton, state, trie);
  StateTokens result;
  std::vector<int32_t> inside;
  inside.reserve(found.inside.size());
  for (const CountedToken& token : found.inside)
    inside.push_back(token.token);
  result.inside = TokenSet(std::move(inside), trie.vocabulary());
  result.ends = std::move(found.ends);
  sort_by_count(found.inside, result);
  ExitTrie exits(trie, result.inside);
  for (const Exit& exit : found.exits)
    exits.add(exit);
  if (!exits.empty())
    exits.flatten(result);
  return result;
}

}  // namespace hadal
