// A generated turn as text and back.
#include <fmt/format.h>

#include <utility>

#include "base/hash.h"
#include "server/api/base64.h"
#include "server/api/replay_file.h"

namespace hadal {
namespace {

constexpr size_t kHashDigits = 16;

void add(std::string& text, char kind, std::string_view value) {
  text += kind;
  text += encode_base64(value);
  text += '\n';
}

// `plain` for text of the user's kind, `plain` + 1 for control tokens.
void add_spans(std::string& text, char plain, const Spans& spans) {
  for (const TextSpan& span : spans)
    add(text, static_cast<char>(plain + (span.trusted ? 1 : 0)), span.text);
}

bool take_line(ReplayTurn& turn, char kind, std::string value) {
  switch (kind) {
    case 'r':
      turn.reasoning = std::move(value);
      return true;
    case 'c':
      turn.content = std::move(value);
      return true;
    case 'i':
      turn.calls.push_back({std::move(value), {}, {}});
      return true;
    case 'n':
    case 'a':
      if (turn.calls.empty())
        return false;
      (kind == 'n' ? turn.calls.back().name : turn.calls.back().arguments) =
          std::move(value);
      return true;
    case '0':
    case '1':
      turn.raw_reasoning.push_back({std::move(value), kind == '1'});
      return true;
    case '2':
    case '3':
      turn.raw_answer.push_back({std::move(value), kind == '3'});
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string turn_text(const ReplayTurn& turn) {
  std::string text;
  add(text, 'r', turn.reasoning);
  add(text, 'c', turn.content);
  for (const ToolCall& call : turn.calls) {
    add(text, 'i', call.id);
    add(text, 'n', call.name);
    add(text, 'a', call.arguments);
  }
  add_spans(text, '0', turn.raw_reasoning);
  add_spans(text, '2', turn.raw_answer);
  return fmt::format("{:016x}\n{}", hash64(text), text);
}

std::optional<ReplayTurn> parse_turn(std::string_view text) {
  if (text.size() <= kHashDigits || text[kHashDigits] != '\n')
    return std::nullopt;
  const std::string_view hash = text.substr(0, kHashDigits);
  text.remove_prefix(kHashDigits + 1);
  if (fmt::format("{:016x}", hash64(text)) != hash)
    return std::nullopt;
  ReplayTurn turn;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos || end == 0)
      return std::nullopt;
    auto value = decode_base64(text.substr(1, end - 1));
    if (!value || !take_line(turn, text.front(), std::move(*value)))
      return std::nullopt;
    text.remove_prefix(end + 1);
  }
  if (turn.calls.empty())
    return std::nullopt;
  return turn;
}

}  // namespace hadal
