// Any bytes with any cuts: the events are those of the uncut text, arguments of
// complete calls are JSON objects, and every text is UTF-8.
//
// The first byte chooses the options, the second the cuts; the rest is the
// output of the model.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_value.h"
#include "text/parser_test_tools.h"
#include "text/utf8.h"

namespace hadal {
namespace {

void require(bool condition) {
  if (!condition)
    std::abort();
}

const std::vector<JsonValue>& tools() {
  static const std::vector<JsonValue> list = {
      parse_json(R"({"name":"f","parameters":{"type":"object","properties":{
          "a":{"type":"string"},"n":{"type":"integer"},"b":{}}}})")
          .value()};
  return list;
}

ChatParserOptions options_from(uint8_t bits) {
  using Start = ChatParserOptions::Start;
  constexpr Start kStarts[] = {
      Start::reasoning, Start::content, Start::tool_block, Start::content};
  ChatParserOptions options;
  options.start = kStarts[bits & 3];
  options.continues_text = (bits & 4) != 0;
  options.tools_offered = (bits & 8) == 0;
  options.coerce_arguments = (bits & 16) != 0;
  options.single_call = (bits & 32) != 0;
  if ((bits & 64) != 0)
    options.stop = {"\n\n", "aab", "é"};
  return options;
}

// Pieces whose sizes follow from `seed`.
std::vector<std::string> cut(std::string_view text, uint32_t seed) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    seed = seed * 1664525 + 1013904223;
    size_t size = std::min<size_t>(text.size(), 1 + (seed >> 24) % 13);
    pieces.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return pieces;
}

void check(const ParsedOutput& output) {
  for (const ChatEvent& event : output.events)
    require(is_valid_utf8(event.text) && is_valid_utf8(event.name));
  ChatAnswer answer = output.answer();
  for (const ToolCall& call : answer.tool_calls)
    require(
        is_json(call.arguments) &&
        parse_json(call.arguments).value().is_object());
  if (answer.finish == ChatFinish::tool_calls)
    require(!answer.tool_calls.empty());
}

}  // namespace
}  // namespace hadal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hadal;
  if (size < 2)
    return 0;
  std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  ChatParserOptions options = options_from(data[0]);
  OutputEnd end = (data[0] & 128) != 0 ? OutputEnd::length : OutputEnd::stop;
  ParsedOutput whole = parse_pieces({text}, options, tools(), end);
  check(whole);
  require(parse_pieces(cut(text, data[1]), options, tools(), end) == whole);
  require(parse_pieces(single_bytes(text), options, tools(), end) == whole);
  return 0;
}
