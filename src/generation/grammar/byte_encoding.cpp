// Characters -> bytes: each state of a text automaton becomes one state of
// bytes, with states between for the bytes inside a character or an escape.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "generation/grammar/byte_automaton.h"
#include "generation/grammar/byte_rows.h"
#include "text/utf8.h"

namespace hadal {
namespace {

using StateId = ByteAutomaton::StateId;

ByteInterval one(char byte) {
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
