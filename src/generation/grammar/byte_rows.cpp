// Tries of bytes with shared tails.
#include "generation/grammar/byte_rows.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace hadal {

using StateId = ByteAutomaton::StateId;

StateId RowBuilder::add() {
  if (rows_.size() > kMaxByteStates)
    throw GrammarRefusal{fmt::format(
        "the texts that it allows need more than the limit of {} states; use "
        "smaller counts or a simpler pattern",
        kMaxByteStates)};
  rows_.emplace_back();
  return static_cast<StateId>(rows_.size() - 1);
}

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

}  // namespace hadal
