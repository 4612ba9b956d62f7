// Responses requests as a whole: the prompt that comes of them, what goes to
// the engine, and the refusals of their fields.
#include "server/api/grammar_source.h"
#include "server/api/responses_test_tools.h"

namespace hadal::responses_test {
namespace {

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
}  // namespace hadal::responses_test
