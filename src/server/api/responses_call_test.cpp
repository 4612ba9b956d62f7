// The answers of the Responses API: transcripts of whole streams and bodies,
// byte for byte. tests/e2e/test_api_models.py reads the same files with the
// official client's models.
#include "server/api/responses_call.h"

#include "server/api/family_test_tools.h"
#include "server/api/responses.h"

namespace hadal {
namespace {

constexpr std::string_view kTools = R"("tools":[
  {"type":"function","name":"get_weather","description":"Weather",
   "parameters":{"type":"object","properties":{"city":{"type":"string"}}},
   "strict":false},
  {"type":"custom","name":"apply_patch","description":"Edits files"},
  {"type":"namespace","name":"mcp__files__","description":"Files","tools":[
    {"type":"function","name":"read","parameters":{"type":"object"}}]}])";

struct Answer {
  ServedModel served = family_model();
  ResponseStore store;
  std::unique_ptr<ApiCall> call;

  explicit Answer(std::string_view fields) {
    std::string body = R"({"model":"m","input":"Hi")";
    body += fields.empty() ? "" : ",";
    body += std::string(fields) + "}";
    auto read = read_responses(json_of(body), {}, served, store);
    EXPECT_TRUE(read.has_value()) << told(read.error());
    call = std::move(*read);
  }
};

std::string stream(
    std::string_view fields, const Events& events, const ChoiceEnd& end) {
  Answer answer(
      std::string(R"("stream":true)") + (fields.empty() ? "" : ",") +
      std::string(fields));
  return drive(*answer.call, events, end);
}

std::string whole(
    std::string_view fields, const Events& events, const ChoiceEnd& end) {
  Answer answer(fields);
  return drive(*answer.call, events, end);
}

const Events kPlain = {
    thinks("The user"), thinks(" says hi."), says("Hello"), says(", \"you\"")};

Events two_calls() {
  return {
      thinks("Look."),
      begins(0, "get_weather"),
      argues(0, "{\"city\": \""),
      argues(0, "Paris\"}"),
      ends(0),
      begins(1, "mcp__files__read"),
      argues(1, "{}"),
      ends(1)};
}

const Events kPatch = {
    thinks("Patch."),
    says("I edit it."),
    begins(0, "apply_patch"),
    argues(0, "{\"input\": \""),
    argues(0, "*** Begin\\n"),
    argues(0, "+a \\\"b\\\"\\u00e9"),
    argues(0, "\"}"),
    ends(0)};

ChoiceEnd cut_in_reasoning() {
  ChoiceEnd end = end_with(ChatFinish::length);
  end.inside_reasoning = true;
  return end;
}

TEST(ResponsesStream, ReasoningAndText) {
  expect_golden(
      "responses_summary.sse",
      stream(
          R"("reasoning":{"summary":"auto","effort":"low"},
             "include":["reasoning.encrypted_content"],
             "metadata":{"a":"b"},"instructions":"Be brief.",
             "max_output_tokens":200,"temperature":0.5)",
          kPlain,
          end_with(ChatFinish::stop)));
  expect_golden(
      "responses_reasoning_text.sse",
      stream("", kPlain, end_with(ChatFinish::stop)));
}

TEST(ResponsesStream, ReasoningAndTwoCalls) {
  expect_golden(
      "responses_two_calls.sse",
      stream(kTools, two_calls(), end_with(ChatFinish::tool_calls)));
}

TEST(ResponsesStream, CustomTool) {
  expect_golden(
      "responses_custom_tool.sse",
      stream(kTools, kPatch, end_with(ChatFinish::tool_calls)));
}

TEST(ResponsesStream, CutInsideReasoning) {
  expect_golden(
      "responses_cut_reasoning.sse",
      stream("", {thinks("Long")}, cut_in_reasoning()));
}

TEST(ResponsesStream, CutInsideTextAndCall) {
  Events text = {says("Once upon")};
  expect_golden(
      "responses_cut_text.sse", stream("", text, end_with(ChatFinish::length)));
  Events call = {begins(0, "get_weather"), argues(0, "{\"city\": \"Par")};
  std::string sent = stream(kTools, call, end_with(ChatFinish::length));
  expect_golden("responses_cut_call.sse", sent);
  EXPECT_EQ(sent.find("response.output_item.done"), std::string::npos);
}

TEST(ResponsesStream, FailureInTheMiddle) {
  Answer answer(R"("stream":true)");
  ApiError error;
  error.status = 500;
  error.message = "it broke";
  std::string sent = answer.call->begin();
  Events events = {thinks("a"), says("b")};
  sent += answer.call->update(0, events, {});
  sent += answer.call->fail(error);
  expect_golden("responses_failed.sse", sent);
  EXPECT_EQ(answer.store.size(), 0u);

  // The words for other failures.
  for (auto [status, code] :
       {std::pair{429, "rate_limit_exceeded"},
        {400, "invalid_prompt"},
        {503, "server_error"}}) {
    Answer other(R"("stream":true)");
    error.status = status;
    EXPECT_NE(
        other.call->fail(error).find(
            R"("error":{"code":")" + std::string(code)),
        std::string::npos);
  }
  error.code = "context_length_exceeded";
  Answer coded(R"("stream":true)");
  EXPECT_NE(
      coded.call->fail(error).find(R"("code":"context_length_exceeded")"),
      std::string::npos);
}

TEST(ResponsesStream, KeepAlive) {
  Answer answer(R"("stream":true)");
  ApiCall& call = *answer.call;
  call.begin();
  EXPECT_EQ(call.keep_alive(0, 0), ": keep-alive\n\n");
  EXPECT_EQ(call.keep_alive(128, 4096), ": prefill 128/4096\n\n");
  for (int i = 2; i < 11; ++i)
    EXPECT_EQ(event_types(call.keep_alive(256, 4096)).size(), 1u);
  // The twelfth is an event too, with the next number.
  std::string sent = call.keep_alive(300, 4096);
  EXPECT_EQ(
      event_types(sent),
      (std::vector<std::string>{": prefill 300/4096", "response.in_progress"}));
  EXPECT_NE(sent.find(R"("sequence_number":2,)"), std::string::npos);
  Events events = {says("a")};
  call.update(0, events, {});
  EXPECT_EQ(call.keep_alive(4096, 4096), ": keep-alive\n\n");

  EXPECT_EQ(Answer("").call->keep_alive(0, 0), "\n");
}

TEST(ResponsesStream, LogProbabilities) {
  Answer answer(R"("stream":true,"top_logprobs":1,
                   "include":["message.output_text.logprobs"])");
  ApiCall& call = *answer.call;
  EXPECT_EQ(call.choices[0].engine.sampling.logprobs, 1);
  int32_t letter = family_tokenizer().encode("A", SpecialTokens::as_text)[0];
  auto token = [&](std::string bytes, float logprob) {
    return TokenInfo{letter, std::move(bytes), logprob, {{letter, -0.25f}}};
  };
  std::string sent = call.begin();
  Events reasoning = {thinks("Hm")};
  std::vector<TokenInfo> thought = {token("Hm", -1)};
  sent += call.update(0, reasoning, thought);
  // Held back text: its tokens come before it.
  std::vector<TokenInfo> first = {
      token("Hm", -1), token("</think>", -1), token("\n\nHe", -0.5f)};
  sent += call.update(0, {}, first);
  Events text = {says("Hello")};
  std::vector<TokenInfo> rest = {token("llo ", -2)};
  sent += call.update(0, text, rest);
  Events more = {says(" you")};
  std::vector<TokenInfo> last = {token("you", -3)};
  sent += call.update(0, more, last);
  sent += call.end_choice(0, end_with(ChatFinish::stop));
  sent += call.finish();
  expect_golden("responses_logprobs.sse", sent);
}

TEST(ResponsesBody, WholeAnswers) {
  expect_golden(
      "responses_text.json",
      whole(
          R"("reasoning":{"summary":"detailed"},"user":"u","top_p":0.5,
             "text":{"format":{"type":"text"},"verbosity":"low"},
             "tool_choice":"auto","parallel_tool_calls":false)",
          kPlain,
          end_with(ChatFinish::stop)));
  expect_golden(
      "responses_calls.json",
      whole(kTools, two_calls(), end_with(ChatFinish::tool_calls)));
  expect_golden(
      "responses_patch.json",
      whole(kTools, kPatch, end_with(ChatFinish::tool_calls)));
  expect_golden(
      "responses_cut.json", whole("", {thinks("Long")}, cut_in_reasoning()));
}

TEST(ResponsesBody, ACallWithoutItsEndIsNotTold) {
  std::string body = whole(
      kTools,
      {says("I look."), begins(0, "get_weather"), argues(0, "{\"ci")},
      end_with(ChatFinish::length));
  JsonValue json = json_of(body);
  EXPECT_EQ(json.find("status")->as_string(), "incomplete");
  EXPECT_EQ(json.find("output")->items().size(), 1u);
  EXPECT_EQ(
      json.find("incomplete_details")->find("reason")->as_string(),
      "max_output_tokens");
}

TEST(ResponsesBody, NothingIsSentBeforeTheEnd) {
  Answer answer("");
  EXPECT_FALSE(answer.call->streams());
  EXPECT_EQ(answer.call->begin(), "");
  EXPECT_EQ(answer.call->started(0, {}), "");
  EXPECT_EQ(answer.call->update(0, kPlain, {}), "");
  EXPECT_EQ(answer.call->end_choice(0, end_with(ChatFinish::stop)), "");
  EXPECT_EQ(answer.call->fail({}), "");
}

TEST(ResponsesBody, AnUnknownToolIsPassedOn) {
  JsonValue json = json_of(whole(
      kTools,
      {begins(0, "nobody"), argues(0, "{}"), ends(0)},
      end_with(ChatFinish::tool_calls)));
  const JsonValue& item = json.find("output")->items()[0];
  EXPECT_EQ(item.find("type")->as_string(), "function_call");
  EXPECT_EQ(item.find("name")->as_string(), "nobody");
}

TEST(ResponsesCustomInput, FragmentsOfAnySize) {
  const std::string arguments =
      "{\"input\": \"a\\n\\\"b\\\" \\u00e9 \\ud83d\\ude00 ü\\\\\"}";
  const std::string text = "a\n\"b\" é 😀 ü\\";
  for (size_t size = 1; size <= arguments.size(); ++size) {
    CustomInput input;
    std::string read;
    for (size_t i = 0; i < arguments.size(); i += size)
      read += input.push(arguments.substr(i, size));
    EXPECT_EQ(read, text) << size;
    EXPECT_EQ(input.finish(), "");
  }
}

TEST(ResponsesCustomInput, OtherForms) {
  auto whole_of = [](std::string_view arguments) {
    CustomInput input;
    std::string text = input.push(arguments);
    return text + input.finish();
  };
  EXPECT_EQ(whole_of(R"({"patch":"x\ny"})"), "x\ny");
  EXPECT_EQ(whole_of(R"({"note":"n","input":"x"})"), "x");
  EXPECT_EQ(whole_of(R"({"input":{"a":1}})"), R"({"input":{"a":1}})");
  EXPECT_EQ(whole_of(R"({"a":"x","b":"y"})"), R"({"a":"x","b":"y"})");
  EXPECT_EQ(whole_of("{}"), "");
  EXPECT_EQ(whole_of(""), "");
  EXPECT_EQ(whole_of("{\"input\": \"unfin"), "unfin");
}

}  // namespace
}  // namespace hadal
