// The answers of the Messages API: transcripts of whole streams and bodies,
// byte for byte. tests/e2e/test_api_models.py reads the same files with the
// official client's models.
#include "server/api/messages_call.h"

#include "server/api/family_test_tools.h"
#include "server/api/messages.h"

namespace hadal {
namespace {

constexpr std::string_view kTools = R"("tools":[
  {"name":"Read","description":"Reads","input_schema":{"type":"object"}},
  {"name":"Bash","description":"Runs","input_schema":{"type":"object"}}])";

std::unique_ptr<ApiCall> call_of(std::string_view fields) {
  ServedModel served = family_model();
  std::string body = R"({"model":"claude-x","max_tokens":512,
      "messages":[{"role":"user","content":"Hi"}])";
  body += fields.empty() ? "" : ",";
  body += std::string(fields) + "}";
  auto read = read_messages(json_of(body), {}, served);
  EXPECT_TRUE(read.has_value()) << told(read.error());
  return std::move(*read);
}

std::string stream(
    std::string_view fields, const Events& events, const ChoiceEnd& end) {
  auto call = call_of(
      std::string(R"("stream":true)") + (fields.empty() ? "" : ",") +
      std::string(fields));
  return drive(*call, events, end);
}

std::string whole(
    std::string_view fields, const Events& events, const ChoiceEnd& end) {
  return drive(*call_of(fields), events, end);
}

const Events kPlain = {
    thinks("The user"), thinks(" says hi."), says("Hello"), says(", \"you\"")};

Events two_calls() {
  return {
      thinks("Look."),
      says("I look."),
      begins(0, "Read"),
      argues(0, "{\"path\": \""),
      argues(0, "a\\nb\"}"),
      ends(0),
      begins(1, "Bash"),
      argues(1, "{}"),
      ends(1)};
}

ChoiceEnd cut_in_reasoning() {
  ChoiceEnd end = end_with(ChatFinish::length);
  end.inside_reasoning = true;
  return end;
}

TEST(MessagesStream, ThinkingAndText) {
  expect_golden(
      "messages_text.sse", stream("", kPlain, end_with(ChatFinish::stop)));
}

TEST(MessagesStream, ThinkingTextAndTwoCalls) {
  expect_golden(
      "messages_two_calls.sse",
      stream(kTools, two_calls(), end_with(ChatFinish::tool_calls)));
}

TEST(MessagesStream, ThinkingAloneGetsAnEmptyText) {
  expect_golden(
      "messages_cut_thinking.sse",
      stream("", {thinks("Long")}, cut_in_reasoning()));
  // So does nothing at all.
  std::vector<std::string> types =
      event_types(stream("", {}, end_with(ChatFinish::stop)));
  EXPECT_EQ(
      types,
      (std::vector<std::string>{
          "message_start",
          "ping",
          "content_block_start",
          "content_block_stop",
          "message_delta",
          "message_stop"}));
}

TEST(MessagesStream, StopSequence) {
  ChoiceEnd end = end_with(ChatFinish::stop);
  end.stop_string = "\n\nHuman:";
  expect_golden(
      "messages_stop_sequence.sse",
      stream(R"("stop_sequences":["\n\nHuman:"])", {says("Yes.")}, end));
}

TEST(MessagesStream, CutInsideACall) {
  expect_golden(
      "messages_cut_call.sse",
      stream(
          kTools,
          {begins(0, "Read"), argues(0, "{\"path\": \"a")},
          end_with(ChatFinish::length)));
}

TEST(MessagesStream, HiddenThinkingComesBackBySignature) {
  std::string sent = stream(
      R"("thinking":{"type":"adaptive","display":"omitted"})",
      kPlain,
      end_with(ChatFinish::stop));
  expect_golden("messages_hidden_thinking.sse", sent);
  EXPECT_EQ(sent.find("thinking_delta"), std::string::npos);

  size_t start = sent.find("hadal-thinking:");
  std::string signature = sent.substr(start, sent.find('"', start) - start);
  ServedModel served = family_model();
  auto next = read_messages(
      json_of(
          R"({"max_tokens":9,"messages":[{"role":"user","content":"Hi"},
          {"role":"assistant","content":[
            {"type":"thinking","thinking":"","signature":")" +
          signature + R"("},{"type":"text","text":"Hello"}]},
          {"role":"user","content":"more"}]})"),
      {},
      served);
  EXPECT_NE(
      prompt_of(**next).find("<think>The user says hi.</think>Hello"),
      std::string::npos);
}

TEST(MessagesStream, FailureInTheMiddle) {
  auto call = call_of(R"("stream":true)");
  EngineStart start;
  start.prompt_tokens = 100;
  std::string sent = call->begin() + call->started(0, start);
  Events events = {thinks("a"), says("b")};
  sent += call->update(0, events, {});
  ApiError error;
  error.status = 503;
  error.message = "too many requests";
  sent += call->fail(error);
  expect_golden("messages_failed.sse", sent);

  // Before anything was sent.
  auto early = call_of(R"("stream":true)");
  EXPECT_EQ(
      early->begin() + early->fail(error),
      "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
      "\"overloaded_error\",\"message\":\"too many requests\"}}\n\n");
}

TEST(MessagesStream, PingsUntilThePromptIsTakenUp) {
  auto call = call_of(R"("stream":true)");
  constexpr std::string_view kPing =
      "event: ping\ndata: {\"type\":\"ping\"}\n\n";
  EXPECT_EQ(call->begin(), "");
  EXPECT_EQ(call->keep_alive(0, 0), kPing);
  EngineStart start;
  start.prompt_tokens = 100;
  start.cached_tokens = 60;
  std::string sent = call->started(0, start);
  EXPECT_NE(
      sent.find(R"("usage":{"input_tokens":40,"cache_creation_input_tokens":0,)"
                R"("cache_read_input_tokens":60,"output_tokens":0})"),
      std::string::npos)
      << sent;
  EXPECT_EQ(call->keep_alive(64, 100), kPing);
  EXPECT_EQ(call_of("")->keep_alive(0, 0), "\n");
}

TEST(MessagesBody, WholeAnswers) {
  expect_golden(
      "messages_text.json", whole("", kPlain, end_with(ChatFinish::stop)));
  expect_golden(
      "messages_calls.json",
      whole(kTools, two_calls(), end_with(ChatFinish::tool_calls)));
  expect_golden(
      "messages_cut.json", whole("", {thinks("Long")}, cut_in_reasoning()));
  expect_golden(
      "messages_hidden.json",
      whole(
          R"("thinking":{"type":"enabled","budget_tokens":1024,
             "display":"omitted"})",
          kPlain,
          end_with(ChatFinish::stop)));
}

TEST(MessagesBody, ACallWithoutItsEndIsNotTold) {
  JsonValue json = json_of(whole(
      kTools,
      {begins(0, "Read"), argues(0, "{\"pa")},
      end_with(ChatFinish::length)));
  const JsonValue::Array& content = json.find("content")->items();
  ASSERT_EQ(content.size(), 1u);
  EXPECT_EQ(content[0].find("type")->as_string(), "text");
  EXPECT_EQ(json.find("stop_reason")->as_string(), "max_tokens");
}

TEST(MessagesBody, NothingIsSentBeforeTheEnd) {
  auto call = call_of("");
  EXPECT_FALSE(call->streams());
  EXPECT_EQ(call->begin() + call->started(0, {}), "");
  EXPECT_EQ(call->update(0, kPlain, {}), "");
  EXPECT_EQ(call->end_choice(0, end_with(ChatFinish::stop)), "");
  EXPECT_EQ(call->fail({}), "");
}

TEST(MessagesBody, StopReasons) {
  auto reason = [](ChatFinish finish, std::string stop) {
    ChoiceEnd end = end_with(finish);
    end.stop_string = std::move(stop);
    JsonValue json = json_of(whole("", {says("a")}, end));
    const JsonValue* sequence = json.find("stop_sequence");
    return json.find("stop_reason")->as_string() + "/" +
           (sequence->is_null() ? "null" : sequence->as_string());
  };
  EXPECT_EQ(reason(ChatFinish::stop, ""), "end_turn/null");
  EXPECT_EQ(reason(ChatFinish::stop, "X"), "stop_sequence/X");
  EXPECT_EQ(reason(ChatFinish::length, ""), "max_tokens/null");
  EXPECT_EQ(reason(ChatFinish::tool_calls, ""), "tool_use/null");
}

}  // namespace
}  // namespace hadal
