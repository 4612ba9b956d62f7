// Running the output parser in tests: whole, in pieces, and what it gave.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hadal/chat.h"
#include "text/output_parser.h"

namespace hadal {

struct ParsedOutput {
  // Neighbouring texts of one kind are joined, as a cut may divide them.
  std::vector<ChatEvent> events;
  ChatFinish finish = ChatFinish::stop;
  int unparsed_blocks = 0;
  bool done = false;

  bool operator==(const ParsedOutput&) const = default;

  ChatAnswer answer() const {
    ChatAnswerBuilder builder;
    builder.add(events);
    return builder.take(finish);
  }
  // Includes an unfinished call.
  std::string arguments_of(int call) const {
    std::string text;
    for (const ChatEvent& event : events)
      if (event.kind == ChatEvent::Kind::tool_call_arguments &&
          event.call == call)
        text += event.text;
    return text;
  }
};

inline void add_joined(
    std::vector<ChatEvent>& all, const std::vector<ChatEvent>& added) {
  for (const ChatEvent& event : added) {
    bool is_text = event.kind == ChatEvent::Kind::reasoning ||
                   event.kind == ChatEvent::Kind::content ||
                   event.kind == ChatEvent::Kind::tool_call_arguments;
    if (is_text && !all.empty() && all.back().kind == event.kind &&
        all.back().call == event.call)
      all.back().text += event.text;
    else
      all.push_back(event);
  }
}

// Call ids count up, so that results can be compared.
inline ParsedOutput parse_pieces(
    const std::vector<std::string>& pieces,
    ChatParserOptions options,
    const std::vector<JsonValue>& tools = {},
    OutputEnd end = OutputEnd::stop) {
  int calls = 0;
  options.make_call_id = [&calls] { return "id" + std::to_string(calls++); };
  OutputParser parser(options, tools);
  ParsedOutput output;
  for (const std::string& piece : pieces)
    add_joined(output.events, parser.push(piece));
  output.done = parser.done();
  ChatEnd rest = parser.finish(end);
  add_joined(output.events, rest.events);
  output.finish = rest.finish;
  output.unparsed_blocks = parser.unparsed_blocks();
  return output;
}

inline std::vector<std::string> single_bytes(std::string_view text) {
  std::vector<std::string> pieces;
  for (char byte : text)
    pieces.emplace_back(1, byte);
  return pieces;
}

}  // namespace hadal
