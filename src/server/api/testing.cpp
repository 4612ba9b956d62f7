// The scripted engine and the test client.
#include "server/api/testing.h"

#include "base/check.h"

namespace hadal::testing {

RequestId FakeEngine::submit(EngineRequest request) {
  if (busy_for)
    throw EngineBusy("the queue is full", *busy_for);
  Run run;
  run.script = scripts_.front();
  if (scripts_.size() > 1)
    scripts_.pop_front();
  run.ids = tokenizer_.encode(run.script.text, SpecialTokens::recognised);
  run.in_reasoning = request.reasoning.starts_inside;
  runs_.push_back(std::move(run));
  requests.push_back(std::move(request));
  if (automatic)
    play(requests.size() - 1);
  return requests.size();
}

void FakeEngine::start(size_t n) {
  EngineStart start;
  start.prompt_tokens = static_cast<int64_t>(requests[n].prompt.size());
  start.cached_tokens = runs_[n].script.cached_tokens;
  start.seed = requests[n].sampling.seed.value_or(7);
  requests[n].observer->on_start(start);
}

void FakeEngine::prompt(size_t n, int64_t done) {
  requests[n].observer->on_prompt(
      done, static_cast<int64_t>(requests[n].prompt.size()));
}

bool FakeEngine::step(size_t n) {
  Run& run = runs_[n];
  const EngineRequest& request = requests[n];
  bool full = static_cast<int64_t>(run.next) == request.max_tokens;
  if (full)
    run.script.finish = EngineFinish::length;
  if (full || run.next == run.ids.size() || run.refused)
    return false;
  EngineToken token;
  token.id = run.ids[run.next++];
  token.in_reasoning = run.in_reasoning;
  run.reasoning += run.in_reasoning ? 1 : 0;
  if (token.id == request.reasoning.end)
    run.in_reasoning = false;
  token.logprob = -0.25f * static_cast<float>(run.next);
  std::vector<std::pair<int32_t, float>> top;
  for (int i = 0; i < request.sampling.logprobs; ++i)
    top.emplace_back(token.id + i, token.logprob - static_cast<float>(i));
  token.top_logprobs = top;
  run.refused = request.observer->on_token(token) == Continue::no;
  return !run.refused;
}

void FakeEngine::end(size_t n) {
  Run& run = runs_[n];
  EngineEnd end;
  end.finish = run.refused ? EngineFinish::observer : run.script.finish;
  end.prompt_tokens = static_cast<int64_t>(requests[n].prompt.size());
  end.cached_tokens = run.script.cached_tokens;
  end.generated_tokens = static_cast<int64_t>(run.next);
  if (end.finish == EngineFinish::end_token) {
    EngineToken token;
    token.id = end.end_token = requests[n].end_tokens.empty()
                                   ? tokenizer_.eos_id()
                                   : requests[n].end_tokens.front();
    token.is_end = true;
    requests[n].observer->on_token(token);
    ++end.generated_tokens;
  }
  end.reasoning_tokens = run.reasoning;
  end.timings = {0.001, 0.5, 2};
  end.error = run.script.error;
  requests[n].observer->on_end(end);
}

void FakeEngine::play(size_t n) {
  start(n);
  prompt(n, static_cast<int64_t>(requests[n].prompt.size()));
  while (step(n)) {
  }
  end(n);
}

ServedModel test_model() {
  static const Tokenizer tokenizer =
      Tokenizer::load(HADAL_SOURCE_DIR "/models/nano");
  ServedModel served(tokenizer);
  served.name = "nano";
  served.aliases = {"deepseek-chat"};
  served.fingerprint = "fp_test";
  served.started = 1'780'000'000;
  served.info.context = 2'048;
  served.info.vocabulary = tokenizer.size();
  served.request.context_tokens = 2'048;
  served.sources.unix_seconds = [] { return int64_t{1'790'000'000}; };
  auto counts = std::make_shared<std::map<std::string, int>>();
  served.sources.make_id = [counts](std::string_view prefix) {
    std::string id(prefix);
    return id + std::to_string(++(*counts)[id]);
  };
  return served;
}

Answer read_answer(Reply& reply, bool* last) {
  Answer answer;
  bool ready = false;
  reply.start([&ready] { ready = true; });
  answer.status = reply.status();
  answer.type = reply.content_type();
  for (auto& [name, value] : reply.headers())
    answer.headers[name] = value;
  BodyPiece piece = reply.take();
  answer.body = piece.bytes;
  answer.broken = piece.broken;
  if (last != nullptr)
    *last = piece.last;
  else
    HADAL_CHECK(piece.last);
  HADAL_CHECK(ready == !answer.body.empty());
  return answer;
}

TestServer::TestServer() : served(test_model()), engine(served.tokenizer) {
  served.replay = &replay;
  service.open(served, engine);
}

std::unique_ptr<Reply> TestServer::send(
    std::string_view method, std::string_view path, std::string_view body) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.body = body;
  request.client = "test";
  return service.handle(std::move(request));
}

Answer TestServer::post(std::string_view path, std::string_view body) {
  std::unique_ptr<Reply> reply = send("POST", path, body);
  return read_answer(*reply);
}

Answer TestServer::get(std::string_view path) {
  std::unique_ptr<Reply> reply = send("GET", path, "");
  return read_answer(*reply);
}

std::vector<JsonValue> stream_chunks(std::string_view body) {
  std::vector<JsonValue> chunks;
  constexpr std::string_view kData = "data: ";
  while (!body.empty()) {
    size_t end = body.find("\n\n");
    HADAL_CHECK(end != std::string_view::npos);
    std::string_view event = body.substr(0, end);
    body.remove_prefix(end + 2);
    if (!event.starts_with(kData) || event == "data: [DONE]")
      continue;
    Result<JsonValue> value = parse_json(event.substr(kData.size()));
    chunks.push_back(std::move(value).value());
  }
  return chunks;
}

}  // namespace hadal::testing
