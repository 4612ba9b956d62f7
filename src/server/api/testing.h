// For tests of the API: an engine that plays back scripted tokens, a served
// model with the bundled tokenizer, and a client that reads whole answers.
// Nothing here needs a model's weights.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "server/api/api_service.h"
#include "server/api/replay_store.h"
#include "server/api/served_model.h"

namespace hadal::testing {

// What one request generates.
struct Script {
  // Encoded with control tokens recognised.
  std::string text;
  EngineFinish finish = EngineFinish::end_token;
  int64_t cached_tokens = 0;
  std::optional<Error> error = {};  // with EngineFinish::failed
};

class FakeEngine : public Engine {
 public:
  explicit FakeEngine(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  // The scripts of the requests to come; the last one repeats.
  void script(std::vector<Script> scripts) {
    scripts_.assign(scripts.begin(), scripts.end());
  }
  // Forget all requests.
  void reset() {
    requests.clear();
    runs_.clear();
    cancelled.clear();
  }
  // Play each request within submit; else by the calls below.
  bool automatic = true;
  std::optional<double> busy_for;  // refuse, with these seconds to wait

  RequestId submit(EngineRequest request) override;
  void cancel(RequestId id) override { cancelled.push_back(id); }
  EngineStatus status() const override { return told_status; }

  // The steps of the n-th request.
  void start(size_t n);
  void prompt(size_t n, int64_t done);
  // One more token; false at the end of the script or when the observer wants
  // no more.
  bool step(size_t n);
  void end(size_t n);
  void play(size_t n);

  std::vector<EngineRequest> requests;
  std::vector<RequestId> cancelled;
  EngineStatus told_status;

 private:
  struct Run {
    Script script;
    std::vector<int32_t> ids;
    size_t next = 0;
    int64_t reasoning = 0;
    bool in_reasoning = false;
    bool refused = false;  // by the observer
  };

  Tokenizer tokenizer_;
  std::deque<Script> scripts_ = {{}};
  std::vector<Run> runs_;
};

// The nano model's tokenizer, a context of 2,048, fixed time, and ids that
// count: "call_1", "chatcmpl-1".
ServedModel test_model();

struct Answer {
  int status = 0;
  std::string type;
  std::map<std::string, std::string> headers;
  std::string body;
  bool broken = false;
};

// Takes what there is; `last` says whether the answer is whole.
Answer read_answer(Reply& reply, bool* last = nullptr);

// A service with a fake engine and a replay store.
struct TestServer {
  TestServer();

  Answer post(std::string_view path, std::string_view body);
  Answer get(std::string_view path);
  std::unique_ptr<Reply> send(
      std::string_view method, std::string_view path, std::string_view body);

  ReplayStore replay;
  ServedModel served;
  FakeEngine engine;
  ApiService service;
};

// The JSON of the data lines of a stream; "[DONE]" is left out.
std::vector<JsonValue> stream_chunks(std::string_view body);

}  // namespace hadal::testing
