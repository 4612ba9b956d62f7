// What a token costs between the engine and the socket: bytes, parser, events,
// chunk. And what a request costs before it reaches the engine.
#include <benchmark/benchmark.h>

#include <string>

#include "server/api/testing.h"

namespace hadal::testing {
namespace {

std::string body(std::string_view more) {
  return R"({"messages":[{"role":"user","content":"Hi"}],"stream":true)" +
         std::string(more) + "}";
}

// Items are tokens; the client takes after each.
void stream(benchmark::State& state, const std::string& request) {
  TestServer server;
  server.engine.automatic = false;
  std::string text = "</think>";
  for (int i = 0; i < 500; ++i)
    text += "one two three ";
  server.engine.script({{.text = text}});
  int64_t tokens = 0;
  for (auto _ : state) {
    server.engine.reset();
    std::unique_ptr<Reply> reply =
        server.send("POST", "/v1/chat/completions", request);
    reply->start([] {});
    server.engine.start(0);
    while (server.engine.step(0)) {
      ++tokens;
      benchmark::DoNotOptimize(reply->take().bytes.data());
    }
    server.engine.end(0);
    reply->take();
  }
  state.SetItemsProcessed(tokens);
}

void BM_StreamedToken(benchmark::State& state) {
  stream(state, body(""));
}
BENCHMARK(BM_StreamedToken);

void BM_StreamedTokenWithTools(benchmark::State& state) {
  stream(
      state, body(R"(,"tools":[{"type":"function","function":{"name":"f"}}])"));
}
BENCHMARK(BM_StreamedTokenWithTools);

void BM_StreamedTokenWithLogprobs(benchmark::State& state) {
  stream(state, body(R"(,"logprobs":true,"top_logprobs":5)"));
}
BENCHMARK(BM_StreamedTokenWithLogprobs);

// A conversation of `range` turns, up to the engine's door.
void BM_Request(benchmark::State& state) {
  TestServer server;
  server.served.info.context = 1'000'000;
  server.engine.automatic = false;
  std::string messages;
  for (int64_t i = 0; i < state.range(0); ++i)
    messages += R"({"role":"user","content":"Tell me of the fox and the whale )"
                R"(that lived near the castle."},)"
                R"({"role":"assistant","content":"There was a fox. One day it )"
                R"(lost a ribbon, and the whale found it."},)";
  std::string text = R"({"messages":[)" + messages +
                     R"({"role":"user","content":"Go on."}],"stream":true})";
  int64_t bytes = 0;
  for (auto _ : state) {
    server.engine.reset();
    std::unique_ptr<Reply> reply =
        server.send("POST", "/v1/chat/completions", text);
    benchmark::DoNotOptimize(reply.get());
    bytes += static_cast<int64_t>(text.size());
  }
  state.SetBytesProcessed(bytes);
}
BENCHMARK(BM_Request)->Arg(1)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace hadal::testing

BENCHMARK_MAIN();
