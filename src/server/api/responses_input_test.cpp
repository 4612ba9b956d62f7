// Responses requests as a whole: the prompt that comes of them, what goes to
// the engine, conversations that go on, and the refusals of their fields.
#include "server/api/family_test_tools.h"
#include "server/api/grammar_source.h"
#include "server/api/responses.h"

namespace hadal {
namespace {

struct Server {
  ServedModel served = family_model();
  ResponseStore store;

  std::unique_ptr<ApiCall> call(std::string_view body) {
    auto read = read_responses(json_of(body), {}, served, store);
    EXPECT_TRUE(read.has_value()) << body << "\n" << told(read.error());
    return std::move(*read);
  }
  std::string prompt(std::string_view body) { return prompt_of(*call(body)); }
  std::string refusal(std::string_view body) {
    auto read = read_responses(json_of(body), {}, served, store);
    EXPECT_FALSE(read.has_value()) << body;
    return read.has_value() ? "" : told(read.error());
  }
  // Answers, and gives the response's id.
  std::string answer(
      std::string_view body, const Events& events, const ChoiceEnd& end) {
    JsonValue json = json_of(drive(*call(body), events, end));
    return json.find("id")->as_string();
  }
};

constexpr std::string_view kBos = "<｜begin▁of▁sentence｜>";

TEST(ResponsesInput, StringAndInstructions) {
  Server server;
  EXPECT_EQ(
      server.prompt(R"({"input":"Hi"})"),
      std::string(kBos) + "<｜User｜>Hi<｜Assistant｜><think>");
  EXPECT_EQ(
      server.prompt(R"({"input":[
          {"type":"message","role":"developer","content":"Rules"},
          {"type":"message","role":"user","content":"a"},
          {"type":"message","role":"developer","content":"Late"},
          {"type":"message","role":"user","content":"b"}],
          "instructions":"Be brief.","reasoning":{"effort":"none"}})"),
      std::string(kBos) +
          "Be brief.\n\nRules<｜User｜>a\n\nLate\n\nb<｜Assistant｜></think>");
}

TEST(ResponsesInput, ReasoningThatComesBackIsKept) {
  constexpr std::string_view kItems = R"("input":[
      {"role":"user","content":"a"},
      {"type":"reasoning","content":[{"type":"reasoning_text","text":"r"}],
       "summary":[]},
      {"role":"assistant","content":"b"},{"role":"user","content":"c"}])";
  std::string items(kItems);
  Server server;
  const std::string kept =
      std::string(kBos) +
      "<｜User｜>a<｜Assistant｜><think>r</think>b"
      "<｜end▁of▁sentence｜><｜User｜>c<｜Assistant｜><think>";
  const std::string dropped = std::string(kBos) +
                              "<｜User｜>a<｜Assistant｜></think>b"
                              "<｜end▁of▁sentence｜><｜User｜>c<｜Assistant｜>"
                              "<think>";
  EXPECT_EQ(server.prompt("{" + items + "}"), kept);
  EXPECT_EQ(
      server.prompt("{" + items + R"(,"reasoning":{"context":"all_turns"}})"),
      kept);
  EXPECT_EQ(
      server.prompt(
          "{" + items + R"(,"reasoning":{"context":"current_turn"}})"),
      dropped);
  EXPECT_EQ(
      server.prompt("{" + items + R"(,"preserve_thinking":false})"), dropped);
}

TEST(ResponsesInput, ToolsAndTheirHistory) {
  Server server;
  std::string prompt = server.prompt(R"({"tools":[
      {"type":"custom","name":"apply_patch","description":"Edits"},
      {"type":"namespace","name":"fs__","tools":[
        {"type":"function","name":"read","description":"Reads",
         "parameters":{"type":"object"}}]}],
      "input":[{"role":"user","content":"Go"},
        {"type":"custom_tool_call","call_id":"c","name":"apply_patch",
         "input":"x\ny"},
        {"type":"function_call","call_id":"d","name":"read",
         "namespace":"fs__","arguments":"{\"n\":1}"},
        {"type":"function_call_output","call_id":"d","output":"D"},
        {"type":"custom_tool_call_output","call_id":"c","output":"C"}]})");
  EXPECT_NE(
      prompt.find(R"({"name": "fs__read", "description": "Reads", )"),
      std::string::npos);
  size_t turn = prompt.find("<｜User｜>Go");
  EXPECT_EQ(
      prompt.substr(turn),
      "<｜User｜>Go<｜Assistant｜><think></think>\n\n<｜DSML｜tool_calls>\n"
      "<｜DSML｜invoke name=\"apply_patch\">\n"
      "<｜DSML｜parameter name=\"input\" string=\"true\">x\ny"
      "</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
      "<｜DSML｜invoke name=\"fs__read\">\n"
      "<｜DSML｜parameter name=\"n\" string=\"false\">1</｜DSML｜parameter>\n"
      "</｜DSML｜invoke>\n</｜DSML｜tool_calls><｜end▁of▁sentence｜>"
      "<｜User｜><tool_result>C</tool_result>\n\n<tool_result>D</tool_result>"
      "<｜Assistant｜><think>");
}

TEST(ResponsesInput, ToolsThatComeAsAnItem) {
  Server server;
  std::string prompt = server.prompt(R"({"input":[
      {"type":"additional_tools","role":"developer","tools":[
        {"type":"function","name":"late_tool"}]},
      {"role":"user","content":"Go"}]})");
  EXPECT_NE(prompt.find(R"({"name": "late_tool"})"), std::string::npos);
  EXPECT_EQ(
      server.refusal(R"({"input":[{"type":"additional_tools","tools":[5]}]})"),
      "input[0].tools[0]: expected a tool object, found number");
}

TEST(ResponsesInput, TextFormat) {
  Server server;
  std::string prompt = server.prompt(R"({"input":"a","text":{"format":{
      "type":"json_schema","name":"n","strict":true,
      "schema":{"type":"object"}}}})");
  EXPECT_NE(
      prompt.find("## Response Format:\n\nYou MUST strictly adhere to the "
                  "following schema to reply:\n{\"type\": \"object\"}"),
      std::string::npos);
  EXPECT_NE(
      server.prompt(R"({"input":"a","text":{"format":{"type":"json_object"}}})")
          .find("Reply with JSON object ONLY."),
      std::string::npos);
}

TEST(ResponsesInput, WhatTheEngineGets) {
  Server server;
  auto call = server.call(R"({"input":"a","max_output_tokens":77,
      "temperature":0.25,"top_p":0.5,"top_k":9,"seed":3,"stream":true,
      "parallel_tool_calls":false,"top_logprobs":4,"model":"any",
      "tools":[{"type":"function","name":"f"}],"store":false,
      "truncation":"auto","service_tier":"flex","unknown":{"x":[]}})");
  EXPECT_TRUE(call->streams());
  ASSERT_EQ(call->choices.size(), 1u);
  const ChoiceRequest& choice = call->choices[0];
  EXPECT_EQ(choice.engine.max_tokens, 77);
  EXPECT_EQ(choice.engine.sampling.temperature, 0.25f);
  EXPECT_EQ(choice.engine.sampling.top_p, 0.5f);
  EXPECT_EQ(choice.engine.sampling.top_k, 9);
  EXPECT_EQ(choice.engine.sampling.logprobs, 4);
  EXPECT_TRUE(choice.parser.tools_offered);
  EXPECT_TRUE(choice.parser.single_call);
  EXPECT_EQ(choice.tools.size(), 1u);
  drive(*call, {says("a")}, end_with(ChatFinish::stop));
  EXPECT_EQ(server.store.size(), 0u);
}

TEST(ResponsesInput, AConversationGoesOn) {
  Server server;
  std::string first = server.answer(
      R"({"input":[{"role":"user","content":"a"}],"instructions":"Old",
          "tools":[{"type":"function","name":"f"}]})",
      {thinks("r"), says("Look"), begins(0, "f"), argues(0, "{}"), ends(0)},
      end_with(ChatFinish::tool_calls));
  // The instructions are those of the new request.
  std::string next = R"({"previous_response_id":")" + first + R"(","input":[
      {"type":"function_call_output","call_id":"call_0","output":"O"}],
      "instructions":"New"})";
  std::string turns =
      "<｜User｜>a<｜Assistant｜><think>r</think>Look\n\n<｜DSML｜tool_calls>\n"
      "<｜DSML｜invoke name=\"f\">\n\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"
      "<｜end▁of▁sentence｜><｜User｜><tool_result>O</tool_result>"
      "<｜Assistant｜><think>";
  EXPECT_EQ(server.prompt(next), std::string(kBos) + "New" + turns);
  // A third turn, on the second.
  std::string second =
      server.answer(next, {says("b")}, end_with(ChatFinish::stop));
  std::string prompt = server.prompt(
      R"({"previous_response_id":")" + second + R"(","input":"c"})");
  EXPECT_TRUE(prompt.ends_with(
      "<tool_result>O</tool_result><｜Assistant｜><think></think>b"
      "<｜end▁of▁sentence｜><｜User｜>c<｜Assistant｜><think>"))
      << prompt;
  // Two can go on from one.
  EXPECT_EQ(server.prompt(next), std::string(kBos) + "New" + turns);
  EXPECT_EQ(
      server.refusal(R"({"previous_response_id":"resp_x","input":"c"})"),
      "(404) previous_response_id: no response with id 'resp_x' is kept here; "
      "send the whole conversation as input");
}

TEST(ResponsesInput, ReferencesInsteadOfItems) {
  Server server;
  auto call = server.call(R"({"input":"a"})");
  JsonValue json =
      json_of(drive(*call, {says("b")}, end_with(ChatFinish::stop)));
  std::string item = json.find("output")->items()[0].find("id")->as_string();
  std::string body = R"({"input":[{"role":"user","content":"a"},
      {"type":"item_reference","id":")" +
                     item + R"("},
      {"role":"user","content":"c"}]})";
  EXPECT_TRUE(server.prompt(body).ends_with(
      "</think>b<｜end▁of▁sentence｜><｜User｜>c<｜Assistant｜><think>"));
  // The reference is kept as what it stands for.
  std::string id = server.answer(body, {says("d")}, end_with(ChatFinish::stop));
  server.store.erase(json.find("id")->as_string());
  EXPECT_TRUE(
      server.prompt(R"({"previous_response_id":")" + id + R"(","input":"e"})")
          .ends_with("b<｜end▁of▁sentence｜><｜User｜>c<｜Assistant｜>"
                     "</think>d<｜end▁of▁sentence｜><｜User｜>e"
                     "<｜Assistant｜><think>"));
}

TEST(ResponsesInput, ACutAnswerIsContinued) {
  Server server;
  ChoiceEnd cut = end_with(ChatFinish::length);
  std::string id =
      server.answer(R"({"input":"a"})", {thinks("r"), says("b")}, cut);
  std::string go_on = R"({"previous_response_id":")" + id + R"("})";
  auto call = server.call(go_on);
  EXPECT_TRUE(prompt_of(*call).ends_with("<think>r</think>b"));
  EXPECT_TRUE(call->choices[0].parser.continues_text);

  cut.inside_reasoning = true;
  id = server.answer(R"({"input":"a"})", {thinks("r")}, cut);
  call = server.call(R"({"previous_response_id":")" + id + R"("})");
  EXPECT_TRUE(prompt_of(*call).ends_with("<think>r"));
  EXPECT_EQ(call->choices[0].parser.start, ChatParserOptions::Start::reasoning);

  // A whole one is followed by another.
  EXPECT_TRUE(server
                  .prompt(R"({"input":[{"role":"user","content":"a"},
          {"role":"assistant","content":"b"}]})")
                  .ends_with("b<｜end▁of▁sentence｜><｜Assistant｜><think>"));
}

TEST(ResponsesInput, Refusals) {
  const std::pair<const char*, const char*> kCases[] = {
      {"{}", "input: a request must have at least one item"},
      {R"({"input":[]})", "input: a request must have at least one item"},
      {R"({"input":[{"type":"compaction"}]})", "input: a request must have"},
      {R"({"input":5})", "input: expected a string or an array of items"},
      {R"({"input":"a","instructions":["x"]})",
       "instructions: expected a string, found array"},
      {R"({"input":"a","model":5})", "model: expected a string"},
      {R"({"input":"a","stream":"yes"})", "stream: expected true or false"},
      {R"({"input":"a","store":1})", "store: expected true or false"},
      {R"({"input":"a","background":true})",
       "background responses are not supported"},
      {R"({"input":"a","conversation":"c"})",
       "conversations are not kept here"},
      {R"({"input":"a","prompt":{"id":"p"}})",
       "prompt templates are not kept here"},
      {R"({"input":"a","previous_response_id":5})",
       "previous_response_id: expected a string"},
      {R"({"input":"a","include":"x"})", "include: expected an array"},
      {R"({"input":"a","include":[5]})", "include[0]: expected a string"},
      {R"({"input":"a","tools":{}})", "tools: expected an array"},
      {R"({"input":"a","reasoning":"high"})", "reasoning: expected an object"},
      {R"({"input":"a","reasoning":{"summary":5}})",
       "reasoning.summary: expected a string"},
      {R"({"input":"a","reasoning":{"effort":5}})",
       "reasoning.effort: expected a string"},
      {R"({"input":"a","text":5})", "text: expected an object"},
      {R"({"input":"a","text":{"format":5}})",
       "text.format: expected an object"},
      {R"({"input":"a","text":{"format":{"type":"xml"}}})",
       "text.format.type: expected text, json_object or json_schema"},
      {R"({"input":"a","text":{"format":{"type":"json_schema"}}})",
       "text.format.schema: a schema is missing"},
      {R"({"input":"a","max_output_tokens":0})",
       "max_output_tokens: expected a whole number from 1"},
      {R"({"input":"a","top_logprobs":21})",
       "top_logprobs: expected a whole number from 0 to 20"},
      {R"({"input":"a","temperature":3})", "temperature: expected a number"},
      {R"({"input":"a","metadata":{"a":5}})",
       "metadata.a: expected a string, found number"},
      {R"({"input":[{"type":"function_call","call_id":"1","name":"f"}]})",
       "input[0]: the conversation ends with a tool call"}};
  Server server;
  for (auto [body, start] : kCases) {
    std::string text = server.refusal(body);
    EXPECT_TRUE(text.starts_with(start)) << text;
  }
  std::string pairs;
  for (int i = 0; i < 17; ++i)
    pairs += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":\"v\"";
  EXPECT_TRUE(
      server.refusal(R"({"input":"a","metadata":{)" + pairs + "}}")
          .starts_with("metadata: 17 pairs are more than the limit of 16"));
}

TEST(ResponsesInput, SchemasThatCannotBeHeld) {
  Server server;
  GrammarSource grammars(family_tokenizer(), ModelRevision::v4);
  server.served.constraints = &grammars;
  constexpr std::string_view kBad =
      R"({"type":"object","properties":{"a":{"type":"integer","multipleOf":7}}})";
  std::string bad(kBad);
  EXPECT_TRUE(server
                  .refusal(
                      R"({"input":"a","text":{"format":{"type":"json_schema",
                      "name":"n","schema":)" +
                      bad + "}}}")
                  .starts_with("text.format.schema.properties.a.multipleOf: "));
  EXPECT_TRUE(
      server
          .refusal(
              R"({"input":"a","tools":[{"type":"web_search"},
              {"type":"function","name":"g"},
              {"type":"namespace","name":"n","tools":[{"type":"function",
               "name":"f","strict":true,"parameters":)" +
              bad + "}]}]}")
          .starts_with(
              "tools[2].tools[0].parameters.properties.a.multipleOf: "));
}

TEST(ResponsesInput, APromptThatDoesNotFit) {
  Server server;
  server.served.info.context = 8;
  auto read = read_responses(
      json_of(R"({"input":"one two three four five six seven"})"),
      {},
      server.served,
      server.store);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().status, 400);
  EXPECT_EQ(read.error().code, "context_length_exceeded");
  EXPECT_EQ(read.error().param, "input");
  EXPECT_EQ(read.error().numbers[1].second, 8);
}

TEST(ResponsesInput, TokensAreCountedOfTheWholePrompt) {
  Server server;
  std::string body = R"({"input":"Hi","instructions":"Be brief."})";
  auto count =
      count_response_tokens(json_of(body), server.served, server.store);
  EXPECT_EQ(
      *count,
      R"({"object":"response.input_tokens","input_tokens":)" +
          std::to_string(server.call(body)->choices[0].engine.prompt.size()) +
          "}");
  EXPECT_FALSE(count_response_tokens(json_of("{}"), server.served, server.store)
                   .has_value());
}

}  // namespace
}  // namespace hadal
