// Tree -> nondeterministic automaton (Thompson) -> subsets.
#include "generation/grammar/regex.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "text/utf8.h"

namespace hadal {
namespace {

// The borders of a text, as characters in front of and behind it: ^ and $ read
// them like any other.
constexpr char32_t kTextBegin = 0x110001;
constexpr char32_t kTextEnd = 0x110002;
constexpr size_t kMaxNodes = 65'536;
// Nodes in all subsets together: what bounds time and memory.
constexpr size_t kMaxSubsetNodes = 1'000'000;

struct NfaEdge {
  CharSet characters;
  int32_t target = 0;
};

struct NfaNode {
  std::vector<NfaEdge> edges;
  std::vector<int32_t> empty_edges;
};

class Nfa {
 public:
  int32_t add() {
    if (nodes_.size() >= kMaxNodes)
      throw GrammarRefusal{fmt::format(
          "the pattern needs more than the limit of {} nodes; use smaller "
          "counts",
          kMaxNodes)};
    nodes_.emplace_back();
    return static_cast<int32_t>(nodes_.size()) - 1;
  }
  void link(int32_t from, int32_t to) {
    nodes_[static_cast<size_t>(from)].empty_edges.push_back(to);
  }
  void read(int32_t from, CharSet characters, int32_t to) {
    nodes_[static_cast<size_t>(from)].edges.push_back(
        {std::move(characters), to});
  }
  const NfaNode& node(int32_t n) const {
    return nodes_[static_cast<size_t>(n)];
  }

  // Adds the regex behind `from`; returns its end.
  int32_t append(const Regex& regex, int32_t from);

  // All nodes reached without reading, sorted.
  std::vector<int32_t> closure(std::vector<int32_t> nodes) const;
  std::vector<int32_t> after(
      const std::vector<int32_t>& nodes, char32_t character) const;

 private:
  int32_t append_repeat(const Regex& regex, int32_t from);
  std::vector<NfaNode> nodes_;
  // Nodes that the closure with the latest stamp has met.
  mutable std::vector<uint32_t> seen_;
  mutable uint32_t stamp_ = 0;
};

int32_t Nfa::append(const Regex& regex, int32_t from) {
  switch (regex.kind) {
    case Regex::Kind::set: {
      int32_t to = add();
      read(from, regex.characters, to);
      return to;
    }
    case Regex::Kind::sequence:
      for (const Regex& part : regex.parts)
        from = append(part, from);
      return from;
    case Regex::Kind::choice: {
      int32_t to = add();
      for (const Regex& part : regex.parts) {
        int32_t start = add();
        link(from, start);
        link(append(part, start), to);
      }
      return to;
    }
    case Regex::Kind::repeat:
      return append_repeat(regex, from);
    case Regex::Kind::text_begin: {
      int32_t to = add();
      read(from, CharSet::one(kTextBegin), to);
      return to;
    }
    case Regex::Kind::text_end: {
      int32_t to = add();
      read(from, CharSet::one(kTextEnd), to);
      return to;
    }
  }
  return from;
}

int32_t Nfa::append_repeat(const Regex& regex, int32_t from) {
  const Regex& part = regex.parts[0];
  for (int64_t i = 0; i < regex.min; ++i)
    from = append(part, from);
  int32_t end = add();
  if (regex.max < 0) {
    int32_t loop = add();
    link(from, loop);
    link(append(part, loop), loop);
    link(loop, end);
    return end;
  }
  link(from, end);
  for (int64_t i = regex.min; i < regex.max; ++i) {
    from = append(part, from);
    link(from, end);
  }
  return end;
}

std::vector<int32_t> Nfa::closure(std::vector<int32_t> nodes) const {
  seen_.resize(nodes_.size());
  ++stamp_;
  std::vector<int32_t> result;
  while (!nodes.empty()) {
    int32_t n = nodes.back();
    nodes.pop_back();
    if (seen_[static_cast<size_t>(n)] == stamp_)
      continue;
    seen_[static_cast<size_t>(n)] = stamp_;
    result.push_back(n);
    for (int32_t next : node(n).empty_edges)
      nodes.push_back(next);
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<int32_t> Nfa::after(
    const std::vector<int32_t>& nodes, char32_t character) const {
  std::vector<int32_t> targets;
  for (int32_t n : nodes)
    for (const NfaEdge& edge : node(n).edges)
      if (edge.characters.contains(character))
        targets.push_back(edge.target);
  return closure(std::move(targets));
}

// The first characters of the stretches over which no edge begins or ends.
std::vector<char32_t> borders_of(
    const Nfa& nfa, const std::vector<int32_t>& nodes) {
  std::vector<char32_t> borders;
  for (int32_t n : nodes)
    for (const NfaEdge& edge : nfa.node(n).edges)
      for (const CharRange& range : edge.characters.ranges()) {
        if (range.first == kTextBegin || range.first == kTextEnd)
          continue;
        borders.push_back(range.first);
        borders.push_back(range.last + 1);
      }
  std::sort(borders.begin(), borders.end());
  borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
  return borders;
}

template <class Accepts>
TextAutomaton determinised(
    const Nfa& nfa, std::vector<int32_t> start, const Accepts& accepts) {
  std::map<std::vector<int32_t>, int32_t> numbers;
  std::vector<std::vector<int32_t>> subsets = {std::move(start)};
  numbers.emplace(subsets[0], 0);
  TextAutomaton result;
  result.states.clear();
  size_t nodes = 0;
  for (size_t n = 0; n < subsets.size(); ++n) {
    const std::vector<int32_t> subset = subsets[n];
    nodes += subset.size();
    TextState state;
    state.accepts = accepts(subset);
    std::vector<char32_t> borders = borders_of(nfa, subset);
    for (size_t b = 0; b + 1 < borders.size(); ++b) {
      std::vector<int32_t> next = nfa.after(subset, borders[b]);
      if (next.empty())
        continue;
      auto [place, is_new] =
          numbers.emplace(next, static_cast<int32_t>(subsets.size()));
      if (is_new)
        subsets.push_back(std::move(next));
      TextEdge edge{borders[b], borders[b + 1] - 1, place->second};
      if (!state.edges.empty() && state.edges.back().last + 1 == edge.first &&
          state.edges.back().target == edge.target)
        state.edges.back().last = edge.last;
      else
        state.edges.push_back(edge);
    }
    if (subsets.size() > kMaxTextStates || nodes > kMaxSubsetNodes)
      throw GrammarRefusal{fmt::format(
          "the pattern needs more than the limit of {} states; use smaller "
          "counts or fewer alternatives",
          kMaxTextStates)};
    result.states.push_back(std::move(state));
  }
  return without_dead_ends(std::move(result));
}

}  // namespace

Regex Regex::set(CharSet characters) {
  Regex regex;
  regex.kind = Kind::set;
  regex.characters = std::move(characters);
  return regex;
}

Regex Regex::literal(std::string_view text) {
  Regex regex;
  while (!text.empty()) {
    if (static_cast<uint8_t>(text[0]) == kMarkerByte) {
      regex.parts.push_back(set(CharSet::one(kMarkerCharacter)));
      text.remove_prefix(1);
      continue;
    }
    Utf8Character next = first_character(text);
    regex.parts.push_back(set(CharSet::one(next.code_point)));
    text.remove_prefix(next.length);
  }
  return regex;
}

Regex Regex::sequence(std::vector<Regex> parts) {
  Regex regex;
  regex.parts = std::move(parts);
  return regex;
}

Regex Regex::choice(std::vector<Regex> parts) {
  Regex regex;
  regex.kind = Kind::choice;
  regex.parts = std::move(parts);
  return regex;
}

Regex Regex::repeat(Regex part, int64_t min, int64_t max) {
  Regex regex;
  regex.kind = Kind::repeat;
  regex.parts.push_back(std::move(part));
  regex.min = min;
  regex.max = max;
  return regex;
}

TextAutomaton whole_matches(const Regex& regex) {
  Nfa nfa;
  int32_t start = nfa.add();
  int32_t end = nfa.append(regex, start);
  return determinised(
      nfa, nfa.closure({start}), [end](const std::vector<int32_t>& subset) {
        return std::binary_search(subset.begin(), subset.end(), end);
      });
}

TextAutomaton texts_with_match(const Regex& regex) {
  Nfa nfa;
  // The match starts before the text's beginning, which ^ then reads, or
  // anywhere behind it; likewise at the end.
  int32_t outside = nfa.add();
  int32_t before = nfa.add();
  nfa.read(outside, CharSet::one(kTextBegin), before);
  nfa.read(before, CharSet::all(), before);
  int32_t start = nfa.add();
  nfa.link(outside, start);
  nfa.link(before, start);
  int32_t end = nfa.append(regex, start);
  int32_t behind = nfa.add();
  nfa.link(end, behind);
  nfa.read(behind, CharSet::all(), behind);
  int32_t done = nfa.add();
  nfa.read(behind, CharSet::one(kTextEnd), done);
  nfa.link(end, done);
  return determinised(
      nfa,
      nfa.after(nfa.closure({outside}), kTextBegin),
      [&nfa, done](const std::vector<int32_t>& subset) {
        std::vector<int32_t> ends = nfa.after(subset, kTextEnd);
        return std::binary_search(ends.begin(), ends.end(), done);
      });
}

}  // namespace hadal
