// Products and complements.
#include "generation/grammar/text_automaton.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "text/utf8.h"

namespace hadal {
namespace {

[[noreturn]] void too_many_states() {
  throw GrammarRefusal{fmt::format(
      "the texts that it allows need more than the limit of {} states; use "
      "smaller counts or a simpler pattern",
      kMaxTextStates)};
}

// Numbers the states of a product as they are met.
template <class Key>
class StateNumbers {
 public:
  int32_t of(const Key& key) {
    auto [place, is_new] =
        numbers_.emplace(key, static_cast<int32_t>(order_.size()));
    if (is_new)
      order_.push_back(key);
    if (order_.size() > kMaxTextStates)
      too_many_states();
    return place->second;
  }
  size_t size() const { return order_.size(); }
  Key key(size_t number) const { return order_[number]; }

 private:
  std::map<Key, int32_t> numbers_;
  std::vector<Key> order_;
};

// Appends an edge, joined with the one before it where they go on.
void append_edge(std::vector<TextEdge>& edges, const TextEdge& edge) {
  if (!edges.empty()) {
    TextEdge& last = edges.back();
    if (last.last + 1 == edge.first && last.target == edge.target &&
        last.count == edge.count) {
      last.last = edge.last;
      return;
    }
  }
  edges.push_back(edge);
}

}  // namespace

std::vector<char32_t> characters_of(std::string_view text) {
  std::vector<char32_t> characters;
  while (!text.empty()) {
    Utf8Character next = first_character(text);
    characters.push_back(next.code_point);
    text.remove_prefix(next.length);
  }
  return characters;
}

bool TextAutomaton::accepts(std::string_view text) const {
  size_t at = 0;
  for (char32_t c : characters_of(text)) {
    const std::vector<TextEdge>& edges = states[at].edges;
    auto edge = std::find_if(edges.begin(), edges.end(), [&](const auto& e) {
      return e.first <= c && c <= e.last;
    });
    if (edge == edges.end())
      return false;
    at = static_cast<size_t>(edge->target);
  }
  return states[at].accepts;
}

TextAutomaton any_text() {
  TextAutomaton a;
  a.states[0].accepts = true;
  for (const CharRange& range : CharSet::all().ranges())
    a.states[0].edges.push_back({range.first, range.last, 0});
  return a;
}

TextAutomaton one_of(const std::vector<std::string>& texts) {
  TextAutomaton a;
  for (const std::string& text : texts) {
    size_t at = 0;
    for (char32_t c : characters_of(text)) {
      std::vector<TextEdge>& edges = a.states[at].edges;
      auto edge = std::find_if(edges.begin(), edges.end(), [&](const auto& e) {
        return e.first == c;
      });
      if (edge != edges.end()) {
        at = static_cast<size_t>(edge->target);
        continue;
      }
      int32_t target = static_cast<int32_t>(a.states.size());
      if (a.states.size() >= kMaxTextStates)
        too_many_states();
      edges.push_back({c, c, target});
      a.states.emplace_back();
      at = static_cast<size_t>(target);
    }
    a.states[at].accepts = true;
  }
  for (TextState& state : a.states)
    std::sort(
        state.edges.begin(),
        state.edges.end(),
        [](const TextEdge& x, const TextEdge& y) { return x.first < y.first; });
  return a;
}

TextAutomaton without_dead_ends(TextAutomaton a) {
  std::vector<std::vector<int32_t>> sources(a.states.size());
  std::vector<int32_t> live;
  std::vector<bool> is_live(a.states.size());
  for (size_t s = 0; s < a.states.size(); ++s) {
    for (const TextEdge& edge : a.states[s].edges)
      sources[static_cast<size_t>(edge.target)].push_back(
          static_cast<int32_t>(s));
    if (a.states[s].accepts) {
      is_live[s] = true;
      live.push_back(static_cast<int32_t>(s));
    }
  }
  for (size_t i = 0; i < live.size(); ++i)
    for (int32_t source : sources[static_cast<size_t>(live[i])])
      if (!is_live[static_cast<size_t>(source)]) {
        is_live[static_cast<size_t>(source)] = true;
        live.push_back(source);
      }
  std::vector<int32_t> number(a.states.size(), -1);
  TextAutomaton result;
  result.states.clear();
  for (size_t s = 0; s < a.states.size(); ++s)
    if (is_live[s] || s == 0) {
      number[s] = static_cast<int32_t>(result.states.size());
      result.states.push_back({a.states[s].accepts, {}});
    }
  for (size_t s = 0; s < a.states.size(); ++s) {
    if (number[s] < 0)
      continue;
    for (TextEdge edge : a.states[s].edges) {
      if (!is_live[static_cast<size_t>(edge.target)])
        continue;
      edge.target = number[static_cast<size_t>(edge.target)];
      append_edge(result.states[static_cast<size_t>(number[s])].edges, edge);
    }
  }
  return result;
}

TextAutomaton intersect(const TextAutomaton& a, const TextAutomaton& b) {
  StateNumbers<std::pair<int32_t, int32_t>> numbers;
  numbers.of({0, 0});
  TextAutomaton result;
  result.states.clear();
  for (size_t n = 0; n < numbers.size(); ++n) {
    auto [x, y] = numbers.key(n);
    const TextState& from_a = a.states[static_cast<size_t>(x)];
    const TextState& from_b = b.states[static_cast<size_t>(y)];
    TextState state;
    state.accepts = from_a.accepts && from_b.accepts;
    for (const TextEdge& e : from_a.edges)
      for (const TextEdge& f : from_b.edges) {
        char32_t first = std::max(e.first, f.first);
        char32_t last = std::min(e.last, f.last);
        if (first <= last)
          append_edge(
              state.edges, {first, last, numbers.of({e.target, f.target}), 1});
      }
    result.states.push_back(std::move(state));
  }
  return without_dead_ends(std::move(result));
}

TextAutomaton complement(const TextAutomaton& a) {
  TextAutomaton result = a;
  const int32_t everything = static_cast<int32_t>(a.states.size());
  for (TextState& state : result.states) {
    state.accepts = !state.accepts;
    std::vector<CharRange> used;
    for (const TextEdge& edge : state.edges)
      used.push_back({edge.first, edge.last});
    for (const CharRange& range : CharSet(used).complement().ranges())
      state.edges.push_back({range.first, range.last, everything});
    std::sort(
        state.edges.begin(),
        state.edges.end(),
        [](const TextEdge& x, const TextEdge& y) { return x.first < y.first; });
  }
  result.states.push_back(any_text().states[0]);
  for (TextEdge& edge : result.states.back().edges)
    edge.target = everything;
  return without_dead_ends(std::move(result));
}

TextAutomaton limit_length(
    const TextAutomaton& a, int64_t min_chars, int64_t max_chars) {
  // Beyond the last count that matters the states repeat.
  const int64_t top = max_chars < 0 ? min_chars : max_chars;
  StateNumbers<std::pair<int32_t, int64_t>> numbers;
  numbers.of({0, 0});
  TextAutomaton result;
  result.states.clear();
  for (size_t n = 0; n < numbers.size(); ++n) {
    auto [s, length] = numbers.key(n);
    const TextState& from = a.states[static_cast<size_t>(s)];
    TextState state;
    state.accepts = from.accepts && length >= min_chars;
    if (max_chars < 0 || length < max_chars)
      for (TextEdge edge : from.edges) {
        edge.target = numbers.of({edge.target, std::min(length + 1, top)});
        append_edge(state.edges, edge);
      }
    result.states.push_back(std::move(state));
  }
  return without_dead_ends(std::move(result));
}

}  // namespace hadal
