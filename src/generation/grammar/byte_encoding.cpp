// Characters -> bytes: each state of a text automaton becomes one state of
// bytes, with states between for the bytes inside a character or an escape.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "generation/grammar/byte_automaton.h"
#include "text/utf8.h"

namespace hadal {
namespace {

using Row = ByteAutomaton::Row;
using StateId = ByteAutomaton::StateId;

struct ByteRange {
  uint8_t first = 0;
  uint8_t last = 0;
};

// The spellings of some characters that all lead to one state.
struct Spelling {
  std::vector<ByteRange> bytes;
  StateId target = 0;
  uint8_t count = 0;
};

ByteRange one(char byte) {
  return {static_cast<uint8_t>(byte), static_cast<uint8_t>(byte)};
}

// A range of characters with UTF-8 of one length as sequences of byte ranges:
// cut where the bytes behind the first do not run through all their values.
void add_utf8(
    char32_t first,
    char32_t last,
    const Spelling& like,
    std::vector<Spelling>& out) {
  std::string from;
  std::string to;
  append_utf8(from, first);
  append_utf8(to, last);
  for (size_t tail = from.size() - 1; tail > 0; --tail) {
    const char32_t block = char32_t{1} << (6 * tail);
    if ((first & ~(block - 1)) == (last & ~(block - 1)))
      continue;
    if ((first & (block - 1)) != 0) {
      char32_t cut = first | (block - 1);
      add_utf8(first, cut, like, out);
      add_utf8(cut + 1, last, like, out);
      return;
    }
    if ((last & (block - 1)) != block - 1) {
      char32_t cut = (last & ~(block - 1)) - 1;
      add_utf8(first, cut, like, out);
      add_utf8(cut + 1, last, like, out);
      return;
    }
  }
  Spelling spelling = like;
  for (size_t i = 0; i < from.size(); ++i)
    spelling.bytes.push_back(
        {static_cast<uint8_t>(from[i]), static_cast<uint8_t>(to[i])});
  out.push_back(std::move(spelling));
}

void add_characters(
    char32_t first,
    char32_t last,
    const Spelling& like,
    std::vector<Spelling>& out) {
  if (first == kMarkerCharacter) {
    Spelling mark = like;
    mark.bytes.push_back({kMarkerByte, kMarkerByte});
    out.push_back(std::move(mark));
    return;
  }
  for (char32_t end : {U'\x7F', U'\x7FF', U'\xFFFF', U'\x10FFFF'}) {
    char32_t stop = std::min(last, end);
    if (first <= stop)
      add_utf8(first, stop, like, out);
    first = std::max<char32_t>(first, end + 1);
    if (first > last)
      return;
  }
}

void add_escape(
    std::string_view text, const Spelling& like, std::vector<Spelling>& out) {
  Spelling spelling = like;
  for (char byte : text)
    spelling.bytes.push_back(one(byte));
  out.push_back(std::move(spelling));
}

std::string short_escape(char32_t c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
  }
}

// One edge inside a JSON string. `plain_only`: escapes are read otherwise.
void add_json(
    const TextEdge& edge,
    StateId target,
    bool plain_only,
    std::vector<Spelling>& out) {
  const Spelling like{{}, target, edge.count};
  char32_t plain = edge.first;
  for (char32_t c = edge.first; c <= std::min<char32_t>(edge.last, '\\'); ++c) {
    if (c >= ' ' && c != '"' && c != '\\')
      continue;
    if (plain < c)
      add_characters(plain, c - 1, like, out);
    if (!plain_only)
      add_escape(short_escape(c), like, out);
    plain = c + 1;
  }
  if (plain <= edge.last)
    add_characters(plain, edge.last, like, out);
}

// Whether every character leads to one state.
bool takes_everything(const TextState& state) {
  if (state.edges.empty())
    return false;
  std::vector<CharRange> ranges;
  for (const TextEdge& edge : state.edges) {
    if (edge.target != state.edges[0].target ||
        edge.count != state.edges[0].count)
      return false;
    ranges.push_back({edge.first, edge.last});
  }
  return CharSet(ranges).ranges() == CharSet::all().ranges();
}

class RowBuilder {
 public:
  RowBuilder() { rows_.resize(1); }

  StateId add() {
    if (rows_.size() > kMaxByteStates)
      throw GrammarRefusal{fmt::format(
          "the texts that it allows need more than the limit of {} states; use "
          "smaller counts or a simpler pattern",
          kMaxByteStates)};
    rows_.emplace_back();
    return static_cast<StateId>(rows_.size() - 1);
  }
  Row& row(StateId state) { return rows_[state]; }
  const std::vector<Row>& rows() const { return rows_; }

  // Makes `state` read every escape of a JSON string, to `target`: the short
  // ones, and \\uXXXX with surrogates in pairs only.
  void read_escapes(StateId state, StateId target, uint8_t count);

  // Makes `state` read the spellings: none is a prefix of another.
  void read(
      StateId state, const std::vector<Spelling>& spellings, size_t depth);

 private:
  StateId between(const std::vector<Spelling>& spellings, size_t depth);

  std::vector<Row> rows_;
  std::map<std::string, StateId> between_;  // by what is left to read
};

void RowBuilder::read(
    StateId state, const std::vector<Spelling>& spellings, size_t depth) {
  std::array<bool, 257> is_border{};
  for (const Spelling& spelling : spellings) {
    is_border[spelling.bytes[depth].first] = true;
    is_border[spelling.bytes[depth].last + size_t{1}] = true;
  }
  for (size_t first = 0; first < 256;) {
    size_t end = first + 1;
    while (end < 256 && !is_border[end])
      ++end;
    std::vector<Spelling> here;
    for (const Spelling& spelling : spellings)
      if (spelling.bytes[depth].first <= first &&
          first <= spelling.bytes[depth].last)
        here.push_back(spelling);
    if (!here.empty()) {
      bool is_last = here[0].bytes.size() == depth + 1;
      StateId to = is_last ? here[0].target : between(here, depth + 1);
      for (size_t byte = first; byte < end; ++byte) {
        row(state).next[byte] = to;
        row(state).count[byte] = depth == 0 ? here[0].count : uint8_t{0};
      }
    }
    first = end;
  }
}

StateId RowBuilder::between(
    const std::vector<Spelling>& spellings, size_t depth) {
  std::string key;
  for (const Spelling& spelling : spellings) {
    for (size_t i = depth; i < spelling.bytes.size(); ++i) {
      key += static_cast<char>(spelling.bytes[i].first);
      key += static_cast<char>(spelling.bytes[i].last);
    }
    key += fmt::format(">{};", spelling.target);
  }
  auto found = between_.find(key);
  if (found != between_.end())
    return found->second;
  StateId state = add();
  between_.emplace(std::move(key), state);
  read(state, spellings, depth);
  return state;
}

void RowBuilder::read_escapes(StateId state, StateId target, uint8_t count) {
  const auto to = [&](StateId from, std::string_view bytes, StateId next) {
    for (char byte : bytes)
      row(from).next[static_cast<uint8_t>(byte)] = next;
  };
  constexpr std::string_view kHex = "0123456789abcdefABCDEF";
  const StateId escape = add();
  to(state, "\\", escape);
  row(state).count['\\'] = count;
  to(escape, "\"\\/bfnrt", target);
  // Behind \u; the number says how many digits are to come.
  const StateId four = add();
  const StateId three = add();
  const StateId two = add();
  const StateId one_more = add();
  to(escape, "u", four);
  to(four, "0123456789abcefABCEF", three);
  to(three, kHex, two);
  to(two, kHex, one_more);
  to(one_more, kHex, target);
  const StateId behind_d = add();
  to(four, "dD", behind_d);
  to(behind_d, "01234567", two);
  // A high surrogate, then \u and a low one.
  const StateId high_two = add();
  const StateId high_one = add();
  const StateId high = add();
  const StateId low_escape = add();
  const StateId low_four = add();
  const StateId low_three = add();
  to(behind_d, "89abAB", high_two);
  to(high_two, kHex, high_one);
  to(high_one, kHex, high);
  to(high, "\\", low_escape);
  to(low_escape, "u", low_four);
  to(low_four, "dD", low_three);
  to(low_three, "cdefCDEF", two);
}

enum class Form { raw, json };

// The rows of the text's states; `first` becomes the row of its start.
void add_text(
    RowBuilder& builder,
    const TextAutomaton& text,
    Form form,
    std::vector<StateId>& states) {
  while (states.size() < text.states.size())
    states.push_back(builder.add());
  for (size_t s = 0; s < text.states.size(); ++s) {
    const bool any_escape =
        form == Form::json && takes_everything(text.states[s]);
    std::vector<Spelling> spellings;
    for (const TextEdge& edge : text.states[s].edges) {
      const StateId target = states[static_cast<size_t>(edge.target)];
      if (form == Form::json)
        add_json(edge, target, any_escape, spellings);
      else
        add_characters(
            edge.first, edge.last, {{}, target, edge.count}, spellings);
    }
    builder.read(states[s], spellings, 0);
    if (any_escape) {
      const TextEdge& edge = text.states[s].edges[0];
      builder.read_escapes(
          states[s], states[static_cast<size_t>(edge.target)], edge.count);
    }
  }
}

ByteAutomaton quoted(const TextAutomaton& text, bool opening) {
  RowBuilder builder;
  StateId start = builder.add();
  std::vector<StateId> states = {opening ? builder.add() : start};
  add_text(builder, text, Form::json, states);
  StateId end = builder.add();
  builder.row(end).accepts = true;
  if (opening)
    builder.row(start).next['"'] = states[0];
  for (size_t s = 0; s < text.states.size(); ++s)
    if (text.states[s].accepts)
      builder.row(states[s]).next['"'] = end;
  return ByteAutomaton(builder.rows());
}

}  // namespace

ByteAutomaton raw_text(const TextAutomaton& text) {
  RowBuilder builder;
  std::vector<StateId> states = {builder.add()};
  add_text(builder, text, Form::raw, states);
  for (size_t s = 0; s < text.states.size(); ++s)
    builder.row(states[s]).accepts = text.states[s].accepts;
  return ByteAutomaton(builder.rows());
}

ByteAutomaton json_string(const TextAutomaton& text) {
  return quoted(text, true);
}

ByteAutomaton json_string_rest(const TextAutomaton& text) {
  return quoted(text, false);
}

}  // namespace hadal
