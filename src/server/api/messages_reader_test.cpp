// Messages requests as a whole: thinking, tools, what goes to the engine, every
// refusal of a field.
#include "server/api/grammar_source.h"
#include "server/api/messages_test_tools.h"

namespace hadal::messages_test {
namespace {

TEST(MessagesReader, ThinkingAndEffort) {
  constexpr std::string_view kHi =
      R"("messages":[{"role":"user","content":"Hi"}])";
  auto end = [&](std::string_view more) {
    std::string text = prompt(std::string(kHi) + "," + std::string(more));
    return text.substr(text.rfind("<｜Assistant｜>"));
  };
  const std::string on = "<｜Assistant｜><think>";
  const std::string off = "<｜Assistant｜></think>";
  EXPECT_EQ(end(R"("thinking":{"type":"enabled","budget_tokens":2000})"), on);
  EXPECT_EQ(end(R"("thinking":{"type":"adaptive"})"), on);
  EXPECT_EQ(end(R"("thinking":{"type":"disabled"})"), off);
  EXPECT_EQ(end(R"("thinking":{"type":"between_tools"})"), on);
  EXPECT_EQ(end(R"("output_config":{"effort":"low"})"), on);
  EXPECT_NE(
      prompt(std::string(kHi) + R"(,"output_config":{"effort":"max"})")
          .find("Reasoning Effort: Absolute maximum"),
      std::string::npos);
  EXPECT_EQ(
      call_of(with(
                  std::string(kHi) +
                  R"(,"thinking":{"type":"enabled","budget_tokens":2000})"))
          ->choices[0]
          .engine.reasoning.max_tokens,
      2000);
}

TEST(MessagesReader, Choices) {
  auto chat = [](std::string_view choice) {
    ServedModel served = family_model();
    return read_messages_request(
               json_of(with(
                   R"("tools":[{"name":"f","input_schema":{"type":"object"}},
                   {"name":"g"},{"type":"web_search_20250305",
                   "name":"web_search"}],"messages":[{"role":"user",
                   "content":"a"}],"tool_choice":)" +
                   std::string(choice))),
               served)
        .chat;
  };
  EXPECT_EQ(chat("null").tools.size(), 2u);
  EXPECT_TRUE(chat("null").parallel_tool_calls);
  EXPECT_EQ(
      chat("null").warnings[0],
      "tools[2] of type 'web_search_20250305' was left out; only tools with an "
      "input_schema are supported");
  EXPECT_EQ(chat(R"({"type":"auto"})").tool_choice, ToolChoice::automatic);
  EXPECT_FALSE(chat(R"({"type":"auto","disable_parallel_tool_use":true})")
                   .parallel_tool_calls);
  EXPECT_EQ(chat(R"({"type":"any"})").tool_choice, ToolChoice::required);
  EXPECT_EQ(chat(R"({"type":"none"})").tool_choice, ToolChoice::none);
  EXPECT_EQ(chat(R"({"type":"none"})").tools.size(), 0u);
  ChatRequest named = chat(R"({"type":"tool","name":"g"})");
  EXPECT_EQ(named.tool_choice, ToolChoice::named);
  ASSERT_EQ(named.tools.size(), 1u);
  EXPECT_EQ(print_json(named.tools[0]), R"({"name": "g"})");
  // Without tools there is nothing to choose.
  EXPECT_EQ(
      warnings_of(R"("messages":[{"role":"user","content":"a"}],
                     "tool_choice":{"type":"any"})")
          .size(),
      1u);
}

TEST(MessagesReader, FormatOfTheAnswer) {
  for (std::string_view format :
       {R"("output_config":{"format":{"type":"json_schema",
           "schema":{"type":"array"}}})",
        R"("output_format":{"type":"json_schema",
           "schema":{"type":"array"}})"})
    EXPECT_NE(
        prompt(
            R"("messages":[{"role":"user","content":"a"}],)" +
            std::string(format))
            .find("schema to reply:\n{\"type\": \"array\"}"),
        std::string::npos);
}

TEST(MessagesReader, WhatTheEngineGets) {
  auto call = call_of(R"({"max_tokens":77,"stream":true,"temperature":0.25,
      "top_p":0.5,"top_k":9,"stop_sequences":["x","y"],"model":"any",
      "metadata":{"user_id":"u"},"service_tier":"auto","unknown":[],
      "messages":[{"role":"user","content":"a"}]})");
  EXPECT_TRUE(call->streams());
  const ChoiceRequest& choice = call->choices.at(0);
  EXPECT_EQ(choice.engine.max_tokens, 77);
  EXPECT_EQ(choice.engine.sampling.temperature, 0.25f);
  EXPECT_EQ(choice.engine.sampling.top_p, 0.5f);
  EXPECT_EQ(choice.engine.sampling.top_k, 9);
  EXPECT_EQ(choice.parser.stop, (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(choice.parser.make_call_id().starts_with("toolu_"));
}

TEST(MessagesReader, TheAssistantsLastMessageIsContinued) {
  auto call = call_of(with(R"("messages":[{"role":"user","content":"a"},
      {"role":"assistant","content":"The answer is"}],
      "thinking":{"type":"disabled"})"));
  EXPECT_TRUE(prompt_of(*call).ends_with(
      "<｜User｜>a<｜Assistant｜></think>The answer is"));
  EXPECT_TRUE(call->choices[0].parser.continues_text);

  call = call_of(with(R"("messages":[{"role":"user","content":"a"},
      {"role":"assistant","content":[{"type":"thinking","thinking":"r",
       "signature":"s"},{"type":"text","text":"b"}]}])"));
  EXPECT_TRUE(prompt_of(*call).ends_with("<think>r</think>b"));
  EXPECT_EQ(call->choices[0].parser.start, ChatParserOptions::Start::content);

  call = call_of(with(R"("messages":[{"role":"user","content":"a"},
      {"role":"assistant","content":[{"type":"thinking","thinking":"r",
       "signature":"s"}]}])"));
  EXPECT_TRUE(prompt_of(*call).ends_with("<think>r"));
  EXPECT_EQ(call->choices[0].parser.start, ChatParserOptions::Start::reasoning);
}

TEST(MessagesReader, Refusals) {
  constexpr std::string_view kHi =
      R"("messages":[{"role":"user","content":"a"}])";
  const std::pair<const char*, const char*> kFields[] = {
      {R"("model":5)", "model: expected a string"},
      {R"("stream":1)", "stream: expected true or false"},
      {R"("system":5)", "system: expected a string or an array of text blocks"},
      {R"("system":["a"])", "system[0]: expected a content block"},
      {R"("system":[{"type":"image"}])",
       "system[0].type: expected text, found 'image'"},
      {R"("system":[{"type":"text"}])", "system[0].text: it is missing"},
      {R"("stop_sequences":"x")", "stop_sequences: expected an array"},
      {R"("stop_sequences":[""])", "stop_sequences[0]: a stop sequence must"},
      {R"("stop_sequences":["a","a","a","a","a","a","a","a","a","a","a","a",
          "a","a","a","a","a"])",
       "stop_sequences: 17 stop sequences are more than the limit of 16"},
      {R"("metadata":5)", "metadata: expected an object"},
      {R"("temperature":3)", "temperature: expected a number"},
      {R"("top_k":1.5)", "top_k: expected a whole number"},
      {R"("thinking":{"type":"enabled","budget_tokens":"x"})",
       "thinking.budget_tokens: expected a whole number"},
      {R"("output_config":5)", "output_config: expected an object"},
      {R"("output_config":{"effort":5})",
       "output_config.effort: expected a string"},
      {R"("output_config":{"format":{"type":"xml"}})",
       "output_config.format.type: expected json_schema, found 'xml'"},
      {R"("output_config":{"format":{"type":"json_schema"}})",
       "output_config.format.schema: a schema is missing"},
      {R"("tools":{})", "tools: expected an array"},
      {R"("tools":[5])", "tools[0]: expected a tool object"},
      {R"("tools":[{}])", "tools[0].name: a tool must have a name"},
      {R"("tools":[{"name":"a b"}])", "tools[0].name: the name 'a b' may"},
      {R"("tools":[{"name":"a"},{"name":"a"}])",
       "tools[1].name: tool names must be unique; 'a' is repeated"},
      {R"("tools":[{"name":"a","input_schema":5}])",
       "tools[0].input_schema: expected an object"},
      {R"("tools":[{"name":"a","input_schema":{"type":"array"}}])",
       "tools[0].input_schema.type: input_schema must be a schema of type"},
      {R"("tools":[{"name":"a","strict":5}])",
       "tools[0].strict: expected true or false"},
      {R"("tool_choice":"auto")", "tool_choice: expected an object"},
      {R"("tool_choice":{})", "tool_choice.type: a choice must have a type"},
      {R"("tool_choice":{"type":"all"})",
       "tool_choice.type: expected auto, any, tool or none, found 'all'"},
      {R"("tool_choice":{"type":"tool"})", "tool_choice.name: a choice of"},
      {R"("tool_choice":{"type":"tool","name":"x"})",
       "tool_choice.name: 'x' is not one of the request's tools"}};
  for (auto [field, start] : kFields) {
    std::string text = refusal(with(std::string(kHi) + "," + field));
    EXPECT_TRUE(text.starts_with(start)) << text;
  }
  EXPECT_TRUE(refusal("{" + std::string(kHi) + "}")
                  .starts_with("max_tokens: this API requires it"));
  EXPECT_TRUE(refusal(R"({"max_tokens":0,)" + std::string(kHi) + "}")
                  .starts_with("max_tokens: expected a whole number from 1"));
}

TEST(MessagesReader, SchemasThatCannotBeHeld) {
  GrammarSource grammars(family_tokenizer(), ModelRevision::v4);
  ServedModel served = family_model();
  served.constraints = &grammars;
  auto refused = [&](std::string_view members) {
    auto read = read_messages(
        json_of(with(
            R"("messages":[{"role":"user","content":"a"}],)" +
            std::string(members))),
        {},
        served);
    EXPECT_FALSE(read.has_value());
    return read.has_value() ? "" : told(read.error());
  };
  EXPECT_TRUE(
      refused(R"("output_config":{"format":{"type":"json_schema","schema":
          {"type":"integer","multipleOf":7}}})")
          .starts_with("output_config.format.schema.multipleOf: "));
  EXPECT_TRUE(
      refused(R"("tools":[{"type":"web_search_20250305","name":"w"},
          {"name":"f","strict":true,"input_schema":{"type":"object",
           "properties":{"a":{"type":"integer","multipleOf":7}}}}])")
          .starts_with("tools[1].input_schema.properties.a.multipleOf: "));
}

TEST(MessagesReader, APromptThatDoesNotFit) {
  ServedModel served = family_model();
  served.info.context = 4;
  auto read = read_messages(
      json_of(
          with(R"("messages":[{"role":"user","content":"one two three"}])")),
      {},
      served);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, "context_length_exceeded");
  EXPECT_EQ(
      json_of(anthropic_error_json(read.error()))
          .find("error")
          ->find("type")
          ->as_string(),
      "invalid_request_error");
}

TEST(MessagesReader, TokensAreCountedOfTheWholePrompt) {
  ServedModel served = family_model();
  std::string members = R"("system":"Be brief.","tools":[{"name":"f"}],
      "messages":[{"role":"user","content":"Hi"}])";
  auto count = count_message_tokens(json_of("{" + members + "}"), served);
  ASSERT_TRUE(count.has_value()) << told(count.error());
  EXPECT_EQ(
      *count,
      R"({"input_tokens":)" +
          std::to_string(
              call_of(with(members))->choices[0].engine.prompt.size()) +
          "}");
  EXPECT_FALSE(count_message_tokens(json_of("{}"), served).has_value());
}

}  // namespace
}  // namespace hadal::messages_test
