// The product of a text with the progress of its end mark.
#include "generation/grammar/marked_text.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "generation/grammar/regex_parser.h"

namespace hadal {
namespace {

struct State {
  int32_t text = 0;      // of the text's automaton; -1: only the mark can go on
  int progress = 0;      // 1 behind "<", 2 behind "</"
  bool may_end = false;  // the text may end before that "<"

  bool operator<(const State& other) const {
    return std::tie(text, progress, may_end) <
           std::tie(other.text, other.progress, other.may_end);
  }
};

class Product {
 public:
  explicit Product(const TextAutomaton& text) : text_(text) {}

  TextAutomaton build();

 private:
  int32_t number_of(const State& state) {
    auto [place, is_new] =
        numbers_.emplace(state, static_cast<int32_t>(order_.size()));
    if (is_new)
      order_.push_back(state);
    return place->second;
  }
  void add_characters(const State& from, std::vector<TextEdge>& edges);
  void add_less_than(const State& from, std::vector<TextEdge>& edges);
  void add_slash(const State& from, std::vector<TextEdge>& edges);

  // Where the text goes with `character`, -1 for nowhere.
  int32_t text_after(int32_t state, char32_t character) const {
    if (state >= 0)
      for (const TextEdge& edge :
           text_.states[static_cast<size_t>(state)].edges)
        if (edge.first <= character && character <= edge.last)
          return edge.target;
    return -1;
  }

  const TextAutomaton& text_;
  std::map<State, int32_t> numbers_;
  std::vector<State> order_;
};

void Product::add_less_than(const State& from, std::vector<TextEdge>& edges) {
  State to{text_after(from.text, '<'), 1, false};
  to.may_end =
      from.text >= 0 && text_.states[static_cast<size_t>(from.text)].accepts;
  if (to.text >= 0 || to.may_end)
    edges.push_back(
        {'<', '<', number_of(to), static_cast<uint8_t>(from.progress)});
}

void Product::add_slash(const State& from, std::vector<TextEdge>& edges) {
  int32_t text = text_after(from.text, '/');
  if (from.progress != 1) {
    if (text >= 0)
      edges.push_back(
          {'/',
           '/',
           number_of({text, 0, false}),
           static_cast<uint8_t>(1 + from.progress)});
    return;
  }
  if (text >= 0 || from.may_end)
    edges.push_back({'/', '/', number_of({text, 2, from.may_end}), 0});
}

void Product::add_characters(const State& from, std::vector<TextEdge>& edges) {
  const CharSet special({{'<', '<'}, {'/', '/'}});
  for (const TextEdge& edge :
       text_.states[static_cast<size_t>(from.text)].edges)
    for (const CharRange& range :
         CharSet({{edge.first, edge.last}}).without(special).ranges())
      edges.push_back(
          {range.first,
           range.last,
           number_of({edge.target, 0, false}),
           static_cast<uint8_t>(1 + from.progress)});
}

TextAutomaton Product::build() {
  constexpr int32_t kEnd = -2;
  number_of({0, 0, false});
  TextAutomaton result;
  result.states.clear();
  for (size_t n = 0; n < order_.size(); ++n) {
    const State from = order_[n];
    TextState state;
    state.accepts = from.text == kEnd;
    if (from.text >= 0) {
      add_characters(from, state.edges);
      add_less_than(from, state.edges);
    }
    if (from.text != kEnd)
      add_slash(from, state.edges);
    if (from.progress == 2 && from.may_end)
      state.edges.push_back(
          {kMarkerCharacter, kMarkerCharacter, number_of({kEnd, 0, false}), 0});
    std::sort(
        state.edges.begin(),
        state.edges.end(),
        [](const TextEdge& a, const TextEdge& b) { return a.first < b.first; });
    result.states.push_back(std::move(state));
  }
  return without_dead_ends(std::move(result));
}

}  // namespace

const TextAutomaton& text_without_marks() {
  static const TextAutomaton text =
      complement(texts_with_match(parse_pattern("</ ?([｜|‖]|DSML)")));
  return text;
}

TextAutomaton with_end_mark(const TextAutomaton& text) {
  return Product(text).build();
}

}  // namespace hadal
