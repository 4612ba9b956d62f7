// Any body to any POST route: no crash, and every answer is JSON or an event
// stream.
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "server/api/grammar_source.h"
#include "server/api/testing.h"

namespace {

using hadal::BodyPiece;
using hadal::Reply;
using hadal::testing::TestServer;

constexpr std::string_view kPaths[] = {
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/responses/input_tokens",
    "/tokenize",
    "/detokenize",
    "/apply-template",
};

void check(bool ok) {
  if (!ok)
    std::abort();
}

// Events of lines "event:", "data:" with JSON, or comments.
bool is_event_stream(std::string_view text) {
  while (!text.empty()) {
    size_t end = text.find('\n');
    if (end == std::string_view::npos)
      return false;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    bool fine = line.empty() || line.starts_with(":") ||
                line.starts_with("event: ") || line == "data: [DONE]" ||
                (line.starts_with("data: ") && hadal::is_json(line.substr(6)));
    if (!fine)
      return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2)
    return 0;
  static TestServer server;
  static hadal::GrammarSource grammars(
      server.served.tokenizer, hadal::ModelRevision::v4);
  server.served.constraints = &grammars;
  server.engine.reset();
  // The scripted output may be odd too.
  static const hadal::testing::Script kScripts[] = {
      {.text = "why</think>because"},
      {.text =
           "</think>\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
           "<｜DSML｜parameter name=\"a\" string=\"true\">x"
           "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"},
      {.text = "cut", .finish = hadal::EngineFinish::length},
      {.text = "x", .finish = hadal::EngineFinish::deadline},
  };
  server.engine.script({kScripts[data[1] % std::size(kScripts)]});
  std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::unique_ptr<Reply> reply =
      server.send("POST", kPaths[data[0] % std::size(kPaths)], body);
  reply->start([] {});
  int status = reply->status();
  check(status == 200 || (status >= 400 && status < 600));
  std::string answer;
  bool last = false;
  for (int i = 0; i < 4 && !last; ++i) {
    BodyPiece piece = reply->take();
    answer += piece.bytes;
    last = piece.last;
  }
  check(last);
  check(
      reply->content_type() == "text/event-stream" ? is_event_stream(answer)
                                                   : hadal::is_json(answer));
  return 0;
}
