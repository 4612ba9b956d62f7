// Reading chat requests: a test for each row of the normalisation tables, and
// every refusal with the field it names.
#include "text/chat_request.h"

#include <gtest/gtest.h>

#include "text/render_request.h"
#include "text/spans.h"

namespace hadal {
namespace {

ChatRequest read(std::string_view json, const RequestOptions& options = {}) {
  Result<ChatRequest> request =
      read_chat_request(parse_json(json).value(), options);
  EXPECT_TRUE(request.has_value())
      << request.error().field << ": " << request.error().message;
  return request.value();
}

// A request of one user message and `extra` fields.
std::string with(std::string_view extra) {
  return R"({"messages":[{"role":"user","content":"q"}],)" +
         std::string(extra) + "}";
}

std::string with_messages(std::string_view messages) {
  return "{\"messages\":[" + std::string(messages) + "]}";
}

std::string prompt_of(std::string_view json) {
  Result<RenderedPrompt> rendered = render_request(json);
  EXPECT_TRUE(rendered.has_value())
      << rendered.error().field << ": " << rendered.error().message;
  return joined(rendered.value().spans);
}

// "field: message".
std::string refusal(std::string_view json, const RequestOptions& options = {}) {
  Result<ChatRequest> request =
      read_chat_request(parse_json(json).value(), options);
  EXPECT_FALSE(request.has_value()) << json;
  return request.has_value()
             ? ""
             : request.error().field + ": " + request.error().message;
}

void expect_refusal(std::string_view json, std::string_view start) {
  std::string text = refusal(json);
  EXPECT_TRUE(text.starts_with(start)) << text;
}

TEST(ChatRequest, ContentPartsAreJoined) {
  ChatRequest request = read(with_messages(
      R"({"role":"user","content":[{"type":"text","text":"a"},"b",
          {"type":"input_text","text":"c"}]},
         {"role":"assistant","content":[{"type":"output_text","text":"d"},
          {"type":"refusal","refusal":"no"}]},
         {"role":"user","content":[]})"));
  EXPECT_EQ(request.messages[0].content, "a\n\nb\n\nc");
  EXPECT_EQ(request.messages[1].content, "d\n\nno");
  EXPECT_EQ(request.messages[2].content, "");
}

TEST(ChatRequest, PartsThatAreNotText) {
  expect_refusal(
      with_messages(R"({"role":"user","content":[{"type":"text","text":"a"},
          {"type":"image_url","image_url":{"url":"u"}}]})"),
      "messages[0].content[1].type: this model reads text only");
  expect_refusal(
      with_messages(R"({"role":"user","content":[{"type":"input_audio"}]})"),
      "messages[0].content[0].type: expected 'text' or 'refusal', found "
      "'input_audio'");
  expect_refusal(
      with_messages(R"({"role":"user","content":[{"text":"a"}]})"),
      "messages[0].content[0].type: ");
  expect_refusal(
      with_messages(R"({"role":"user","content":[{"type":"text"}]})"),
      "messages[0].content[0].text: ");
  expect_refusal(
      with_messages(R"({"role":"user","content":[5]})"),
      "messages[0].content[0]: expected a content part, found number");
}

TEST(ChatRequest, ToolResultParts) {
  ChatRequest request = read(with_messages(
      R"({"role":"user","content":"q"},
         {"role":"tool","tool_call_id":"x","content":[
           {"type":"text","text":"a"},{"type":"image_url"},
           {"type":"text","text":"b"}]},
         {"role":"tool","content":null})"));
  EXPECT_EQ(request.messages[1].content, "a\n\n[Unsupported image_url]\n\nb");
  EXPECT_EQ(request.messages[2].content, "");
  EXPECT_EQ(request.messages[2].tool_call_id, "");
}

TEST(ChatRequest, NullAndMissingContent) {
  EXPECT_EQ(
      prompt_of(with_messages(
          R"({"role":"system","content":null},{"role":"user","content":null},
             {"role":"assistant","content":null,"tool_calls":[
               {"id":"1","function":{"name":"f"}}]},
             {"role":"tool","tool_call_id":"1"})")),
      "<｜begin▁of▁sentence｜><｜User｜><｜Assistant｜></think>\n\n"
      "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n\n"
      "</｜DSML｜invoke>\n</｜DSML｜tool_calls><｜end▁of▁sentence｜><｜User｜>"
      "<tool_result></tool_result><｜Assistant｜><think>");
}

TEST(ChatRequest, DeveloperMessages) {
  constexpr std::string_view kMessages =
      R"({"role":"developer","content":"d"},{"role":"system","content":"s"},
         {"role":"user","content":"q"},{"role":"assistant","content":"a"},
         {"role":"developer","content":"late"},
         {"role":"system","content":""},{"role":"user","content":"r"})";
  ChatRequest request = read(with_messages(kMessages));
  ASSERT_EQ(request.messages.size(), 4u);
  EXPECT_EQ(request.messages[0].role, ChatRole::system);
  EXPECT_EQ(request.messages[0].content, "d\n\ns\n\nlate");

  RequestOptions options;
  options.late_system = RequestOptions::LateSystem::user;
  request = read(with_messages(kMessages), options);
  ASSERT_EQ(request.messages.size(), 5u);
  EXPECT_EQ(request.messages[0].content, "d\n\ns");
  EXPECT_EQ(request.messages[3].role, ChatRole::user);
  EXPECT_EQ(request.messages[3].content, "late");
}

TEST(ChatRequest, LegacyFunctionMessages) {
  ChatRequest request = read(with_messages(
      R"({"role":"user","content":"q"},
         {"role":"assistant","content":null,
          "function_call":{"name":"f","arguments":"{}"}},
         {"role":"function","name":"f","content":"1"},
         {"role":"assistant","tool_calls":[
           {"id":"a","function":{"name":"g","arguments":"{}"}},
           {"id":"b","function":{"name":"g","arguments":"{}"}}]},
         {"role":"function","name":"g","content":"2"},
         {"role":"function","name":"g","content":"3"},
         {"role":"function","name":"h","content":"4"})"));
  ASSERT_EQ(request.messages.size(), 7u);
  ASSERT_EQ(request.messages[1].tool_calls.size(), 1u);
  EXPECT_EQ(request.messages[2].role, ChatRole::tool);
  EXPECT_EQ(
      request.messages[2].tool_call_id, request.messages[1].tool_calls[0].id);
  EXPECT_EQ(request.messages[4].tool_call_id, "b");
  EXPECT_EQ(request.messages[5].tool_call_id, "a");
  EXPECT_EQ(request.messages[6].tool_call_id, "");
}

TEST(ChatRequest, ReasoningAliases) {
  auto reasoning = [](std::string_view fields) {
    ChatRequest request = read(with_messages(
        R"({"role":"assistant","content":"a",)" + std::string(fields) +
        R"(},{"role":"user","content":"q"})"));
    return request.messages[0].reasoning;
  };
  EXPECT_EQ(reasoning(R"("reasoning_content":"r")"), "r");
  EXPECT_EQ(reasoning(R"("reasoning":"r")"), "r");
  EXPECT_EQ(reasoning(R"("reasoning_content":"r","reasoning":"s")"), "r");
  EXPECT_EQ(reasoning(R"("reasoning_content":null,"reasoning":"s")"), "s");
  expect_refusal(
      with_messages(R"({"role":"assistant","reasoning":{}})"),
      "messages[0].reasoning: expected a string, found object");
}

TEST(ChatRequest, MergedReasoningIsSplitOff) {
  auto split = [](std::string_view content, std::string_view more = "") {
    ChatRequest request = read(with_messages(
        R"({"role":"assistant","content":")" + std::string(content) + "\"" +
        std::string(more) + R"(},{"role":"user","content":"q"})"));
    return request.messages[0].reasoning + "|" + request.messages[0].content;
  };
  EXPECT_EQ(split("<think>r</think>a"), "r|a");
  EXPECT_EQ(split("\\n<think>\\nr\\n</think>\\n\\na\\n"), "r|a\n");
  EXPECT_EQ(split("<think></think>a"), "|a");
  EXPECT_EQ(split("<think>\\n\\n</think>"), "|");
  EXPECT_EQ(split("<think>r"), "|<think>r");
  EXPECT_EQ(split("a <think>r</think>"), "|a <think>r</think>");
  EXPECT_EQ(
      split("<think>r</think>a", R"(,"reasoning_content":"s")"),
      "s|<think>r</think>a");
}

TEST(ChatRequest, ArgumentsInManyShapes) {
  auto parameters = [](std::string_view arguments) {
    std::string prompt = prompt_of(with_messages(
        R"({"role":"user","content":"q"},{"role":"assistant","tool_calls":[
            {"id":"1","type":"function","function":{"name":"f")" +
        std::string(arguments) +
        R"(}}]},{"role":"tool","tool_call_id":"1","content":"r"})"));
    size_t start = prompt.find("name=\"f\">\n") + 10;
    return prompt.substr(start, prompt.find("\n</｜DSML｜invoke>") - start);
  };
  EXPECT_EQ(parameters(""), "");
  EXPECT_EQ(parameters(R"(,"arguments":null)"), "");
  EXPECT_EQ(parameters(R"(,"arguments":"")"), "");
  EXPECT_EQ(parameters(R"(,"arguments":"{}")"), "");
  std::string b =
      "<｜DSML｜parameter name=\"b\" string=\"false\">1</｜DSML｜parameter>\n"
      "<｜DSML｜parameter name=\"a\" string=\"true\">x</｜DSML｜parameter>";
  EXPECT_EQ(parameters(R"(,"arguments":"{\"b\":1,\"a\":\"x\"}")"), b);
  EXPECT_EQ(parameters(R"(,"arguments":{"b":1,"a":"x"})"), b);
  EXPECT_EQ(
      parameters(R"(,"arguments":[1])"),
      "<｜DSML｜parameter name=\"arguments\" string=\"true\">[1]"
      "</｜DSML｜parameter>");
}

TEST(ChatRequest, DoublyEncodedArguments) {
  auto arguments = [](std::string_view tool) {
    ChatRequest request = read(
        R"({"messages":[{"role":"user","content":"q"},
            {"role":"assistant","tool_calls":[{"id":"1","function":{
              "name":"f","arguments":"{\"arguments\":\"{\\\"a\\\":1}\"}"}}]},
            {"role":"tool","tool_call_id":"1","content":"r"}],"tools":[)" +
        std::string(tool) + "]}");
    return request.messages[2].tool_calls[0].arguments.as_string();
  };
  std::string wrapped = "{\"arguments\":\"{\\\"a\\\":1}\"}";
  EXPECT_EQ(
      arguments(R"({"function":{"name":"f","parameters":{"type":"object",
          "properties":{"a":{}}}}})"),
      "{\"a\":1}");
  EXPECT_EQ(
      arguments(R"({"function":{"name":"f","parameters":{"type":"object",
          "properties":{"arguments":{}}}}})"),
      wrapped);
  EXPECT_EQ(arguments(R"({"function":{"name":"g"}})"), wrapped);
}

TEST(ChatRequest, ToolCallsThatAreNone) {
  expect_refusal(
      with_messages(R"({"role":"assistant","tool_calls":{}})"),
      "messages[0].tool_calls: expected an array, found object");
  expect_refusal(
      with_messages(R"({"role":"assistant","tool_calls":[1]})"),
      "messages[0].tool_calls[0]: expected a tool call object, found number");
  expect_refusal(
      with_messages(R"({"role":"assistant","tool_calls":[{"id":"1"}]})"),
      "messages[0].tool_calls[0].function: ");
  expect_refusal(
      with_messages(
          R"({"role":"assistant","tool_calls":[{"function":{"name":""}}]})"),
      "messages[0].tool_calls[0].function.name: ");
  expect_refusal(
      with_messages(R"({"role":"assistant","tool_calls":[{"id":7,
          "function":{"name":"f"}}]})"),
      "messages[0].tool_calls[0].id: expected a string, found number");
}

TEST(ChatRequest, Messages) {
  expect_refusal("{}", "messages: ");
  expect_refusal(R"({"messages":[]})", "messages: ");
  expect_refusal(
      R"({"messages":"hi"})", "messages: expected an array, found string");
  expect_refusal(
      R"({"messages":["hi"]})",
      "messages[0]: expected a message object, found string");
  expect_refusal(with_messages(R"({"content":"a"})"), "messages[0].role: ");
  expect_refusal(
      with_messages(R"({"role":1})"),
      "messages[0].role: expected a string, found number");
  expect_refusal(
      with_messages(R"({"role":"user"},{"role":"narrator"})"),
      "messages[1].role: unknown role 'narrator'");
  expect_refusal(
      with_messages(R"({"role":"user","content":5})"),
      "messages[0].content: expected a string, an array of parts or null, "
      "found number");
  expect_refusal(
      with_messages(R"({"role":"user","task":"nope"})"),
      "messages[0].task: unknown task 'nope'");
  ChatRequest request = read(with_messages(
      R"({"role":"user","content":"q","name":"n","tools":[{}],"mask":1})"));
  ASSERT_EQ(request.warnings.size(), 1u);
  EXPECT_TRUE(request.warnings[0].starts_with("messages[0].tools was ignored"));
}

TEST(ChatRequest, MessageSizeLimit) {
  RequestOptions options;
  options.max_message_bytes = 10;
  auto user = [](size_t bytes) {
    return with_messages(
        R"({"role":"user","content":")" + std::string(bytes, 'x') + "\"}");
  };
  read(user(10), options);
  EXPECT_EQ(
      refusal(user(11), options),
      "messages[0].content: 11 bytes are more than the limit of 10");
  EXPECT_TRUE(
      refusal(
          with_messages(R"({"role":"assistant","reasoning":"12345678901"})"),
          options)
          .starts_with("messages[0].reasoning_content: 11 bytes"));
  EXPECT_TRUE(
      refusal(
          with_messages(R"({"role":"assistant","tool_calls":[{"function":
              {"name":"f","arguments":"12345678901"}}]})"),
          options)
          .starts_with("messages[0].tool_calls[0].function.arguments: 11"));
  EXPECT_EQ(RequestOptions().max_message_bytes, size_t{100} << 20);
}

TEST(ChatRequest, Tools) {
  ChatRequest request = read(with(
      R"("tools":[{"type":"function","function":{"parameters":{"type":"object"},
           "name":"f","strict":true,"x":1}},
         {"type":"web_search"},
         {"type":"function","name":"flat","description":"d"}])"));
  ASSERT_EQ(request.tools.size(), 2u);
  EXPECT_EQ(
      print_json(request.tools[0]),
      "{\"parameters\": {\"type\": \"object\"}, \"name\": \"f\", \"strict\": "
      "true, \"x\": 1}");
  EXPECT_EQ(
      print_json(request.tools[1]),
      "{\"name\": \"flat\", \"description\": \"d\"}");
  ASSERT_EQ(request.warnings.size(), 1u);
  EXPECT_TRUE(request.warnings[0].starts_with("tools[1] of type 'web_search'"));
  // Tools without a system message get one in front of the user's.
  EXPECT_EQ(request.messages[0].role, ChatRole::system);
  EXPECT_EQ(request.messages[0].tools.size(), 2u);
}

TEST(ChatRequest, ToolLimits) {
  auto tool = [](std::string_view function) {
    return with(
        R"("tools":[{"type":"function","function":)" + std::string(function) +
        "}]");
  };
  auto named = [&tool](const std::string& name) {
    return tool("{\"name\":\"" + name + "\"}");
  };
  read(named(std::string(kMaxToolNameBytes, 'a')));
  expect_refusal(
      named(std::string(kMaxToolNameBytes + 1, 'a')),
      "tools[0].function.name: the name has 129 bytes; the limit is 128");
  expect_refusal(named(""), "tools[0].function.name: ");
  expect_refusal(named("a.b"), "tools[0].function.name: the name 'a.b'");
  expect_refusal(named("é"), "tools[0].function.name: ");
  read(named("A-z_09"));
  expect_refusal(
      tool(R"({"name":"f","parameters":"x"})"),
      "tools[0].function.parameters: expected an object, found string");
  expect_refusal(
      tool(R"({"name":"f","parameters":{"type":"string"}})"),
      "tools[0].function.parameters.type: ");
  read(tool(R"({"name":"f","parameters":{}})"));
  expect_refusal(
      with(R"("tools":[{"function":{"name":"f"}},{"function":{"name":"f"}}])"),
      "tools[1].function.name: tool names must be unique; 'f' is repeated");
  expect_refusal(
      with(R"("tools":{})"), "tools: expected an array, found object");
  expect_refusal(
      with(R"("tools":[5])"), "tools[0]: expected a tool object, found number");
  expect_refusal(
      with(R"("tools":[{"type":"function"}])"), "tools[0].function: ");
  std::string many = "\"tools\":[";
  for (size_t i = 0; i <= kMaxTools; ++i)
    many += (i > 0 ? ",{\"name\":\"t" : "{\"name\":\"t") + std::to_string(i) +
            "\"}";
  expect_refusal(with(many + "]"), "tools: 4097 tools");
}

TEST(ChatRequest, ToolChoice) {
  constexpr std::string_view kTools =
      R"("tools":[{"function":{"name":"f"}},{"function":{"name":"g"}}],)";
  auto choice = [&](std::string_view value) {
    return with(std::string(kTools) + "\"tool_choice\":" + std::string(value));
  };
  EXPECT_EQ(read(choice("\"auto\"")).tool_choice, ToolChoice::automatic);
  EXPECT_EQ(read(choice("null")).tool_choice, ToolChoice::automatic);
  EXPECT_EQ(read(choice("\"required\"")).tool_choice, ToolChoice::required);
  EXPECT_EQ(
      read(choice(R"({"type":"required"})")).tool_choice, ToolChoice::required);
  ChatRequest none = read(choice("\"none\""));
  EXPECT_EQ(none.tool_choice, ToolChoice::none);
  EXPECT_TRUE(none.tools.empty());
  EXPECT_EQ(none.messages.size(), 1u);
  for (const char* named :
       {R"({"type":"function","function":{"name":"g"}})",
        R"({"type":"function","name":"g"})"}) {
    ChatRequest request = read(choice(named));
    EXPECT_EQ(request.tool_choice, ToolChoice::named);
    ASSERT_EQ(request.tools.size(), 1u);
    EXPECT_EQ(print_json(request.tools[0]), "{\"name\": \"g\"}");
    EXPECT_EQ(request.messages[0].tools.size(), 1u);
  }
  expect_refusal(
      choice(R"({"type":"function","function":{"name":"h"}})"),
      "tool_choice.function.name: 'h' is not one of the request's tools");
  expect_refusal(choice("\"any\""), "tool_choice: expected auto");
  expect_refusal(choice("5"), "tool_choice: expected a string or an object");
  expect_refusal(choice("{}"), "tool_choice.name: ");
  ChatRequest without = read(with(R"("tool_choice":"required")"));
  EXPECT_EQ(without.tool_choice, ToolChoice::automatic);
  EXPECT_EQ(without.warnings.size(), 1u);
  expect_refusal(
      with(R"("parallel_tool_calls":"no")"),
      "parallel_tool_calls: expected true or false, found string");
}

TEST(ChatRequest, ResponseFormat) {
  auto kind = [](std::string_view format) {
    return read(with("\"response_format\":" + std::string(format)))
        .answer_format;
  };
  EXPECT_EQ(kind("null").kind, AnswerFormat::Kind::any);
  EXPECT_EQ(kind(R"({"type":"text"})").kind, AnswerFormat::Kind::any);
  EXPECT_EQ(
      kind(R"({"type":"json_object"})").kind, AnswerFormat::Kind::json_object);
  for (const char* format :
       {R"({"type":"json_schema","json_schema":{"name":"n","schema":{"b":1}}})",
        R"({"type":"json_schema","name":"n","schema":{"b":1}})"}) {
    EXPECT_EQ(kind(format).kind, AnswerFormat::Kind::schema);
    EXPECT_EQ(print_json(kind(format).schema), "{\"b\": 1}");
  }
  expect_refusal(
      with(R"("response_format":{"type":"json_schema"})"),
      "response_format.json_schema.schema: ");
  expect_refusal(
      with(R"("response_format":{"type":"regex"})"),
      "response_format.type: expected text, json_object or json_schema, found "
      "'regex'");
  expect_refusal(
      with(R"("response_format":"json")"),
      "response_format: expected an object, found string");
}

TEST(ChatRequest, Continuation) {
  auto request = [](std::string_view last, std::string_view fields = "") {
    return R"({"messages":[{"role":"user","content":"q"},)" +
           std::string(last) + "]" + std::string(fields) + "}";
  };
  constexpr std::string_view kAnswer =
      R"({"role":"assistant","content":"Once"})";
  constexpr std::string_view kPrefixed =
      R"({"role":"assistant","content":"Once","prefix":true})";
  constexpr std::string_view kOpen =
      R"({"role":"assistant","content":"Once","wo_eos":true})";
  std::string continued =
      "<｜begin▁of▁sentence｜><｜User｜>q<｜Assistant｜><think></think>Once";
  EXPECT_EQ(prompt_of(request(kAnswer)), continued);
  EXPECT_EQ(prompt_of(request(kPrefixed)), continued);
  EXPECT_EQ(prompt_of(request(kOpen)), continued);
  EXPECT_EQ(
      prompt_of(request(
          kAnswer,
          R"(,"continue_final_message":true,"add_generation_prompt":false)")),
      continued);
  EXPECT_EQ(
      prompt_of(request(kPrefixed, R"(,"continue_final_message":false)")),
      continued);
  EXPECT_EQ(
      prompt_of(request(kAnswer, R"(,"continue_final_message":false)")),
      "<｜begin▁of▁sentence｜><｜User｜>q<｜Assistant｜></think>Once"
      "<｜end▁of▁sentence｜><｜Assistant｜><think>");
  EXPECT_EQ(
      prompt_of(request(
          R"({"role":"assistant","content":"","reasoning_content":"Hm"})")),
      "<｜begin▁of▁sentence｜><｜User｜>q<｜Assistant｜><think>Hm");

  expect_refusal(
      with(R"("continue_final_message":true)"),
      "continue_final_message: the last message is not the assistant's");
  expect_refusal(
      request(
          kAnswer,
          R"(,"continue_final_message":true,"add_generation_prompt":true)"),
      "continue_final_message: it cannot be combined");
  expect_refusal(
      with_messages(R"({"role":"assistant","prefix":true},{"role":"user"})"),
      "messages[0].prefix: only the last message");
  expect_refusal(
      with_messages(R"({"role":"user","prefix":true})"),
      "messages[0].prefix: only an assistant message");
  expect_refusal(
      request(R"({"role":"assistant","tool_calls":[{"id":"1","function":
          {"name":"f"}}]})"),
      "messages[1].tool_calls: the conversation ends with tool calls");
  expect_refusal(
      request(
          kAnswer,
          R"(,"tools":[{"function":{"name":"f"}}],"tool_choice":"required")"),
      "tool_choice: ");
}

TEST(ChatRequest, OfficialRanges) {
  for (const char* fine :
       {R"("temperature":0)",
        R"("temperature":2.0)",
        R"("temperature":null)",
        R"("top_p":1)",
        R"("top_p":0.01)",
        R"("presence_penalty":-2)",
        R"("frequency_penalty":2)",
        R"("n":1)",
        R"("n":null)",
        R"("stop":null)",
        R"("stop":"a")",
        R"("stop":[])"})
    read(with(fine));
  expect_refusal(
      with(R"("temperature":2.1)"),
      "temperature: expected a number from 0 to 2, found 2.1");
  expect_refusal(with(R"("temperature":-0.1)"), "temperature: ");
  expect_refusal(
      with(R"("temperature":"hot")"),
      "temperature: expected a number, found string");
  expect_refusal(with(R"("top_p":0)"), "top_p: ");
  expect_refusal(with(R"("top_p":1.1)"), "top_p: ");
  expect_refusal(with(R"("presence_penalty":-2.1)"), "presence_penalty: ");
  expect_refusal(with(R"("frequency_penalty":2.1)"), "frequency_penalty: ");
  expect_refusal(with(R"("n":2)"), "n: ");
  RequestOptions several;
  several.max_choices = 4;
  read(with(R"("n":4)"), several);
  EXPECT_FALSE(read_chat_request(parse_json(with(R"("n":5)")).value(), several)
                   .has_value());
  expect_refusal(with(R"("stop":5)"), "stop: expected a string or an array");
  expect_refusal(with(R"("stop":["a",5])"), "stop[1]: expected a string");
  expect_refusal(with(R"("stop":[""])"), "stop: a stop string must not be");
}

TEST(ChatRequest, StopStringLimit) {
  auto stops = [](size_t count) {
    std::string text = "\"stop\":[";
    for (size_t i = 0; i < count; ++i)
      text += i > 0 ? ",\"s\"" : "\"s\"";
    return with(text + "]");
  };
  EXPECT_EQ(read(stops(kMaxStopStrings)).stop.size(), kMaxStopStrings);
  expect_refusal(stops(kMaxStopStrings + 1), "stop: 17 stop strings");
}

TEST(ChatRequest, MessageCountLimit) {
  std::string text = "{\"messages\":[";
  for (size_t i = 0; i <= kMaxMessages; ++i)
    text += i > 0 ? ",{\"role\":\"user\"}" : "{\"role\":\"user\"}";
  expect_refusal(text + "]}", "messages: 100001 messages");
}

TEST(ChatRequest, UnknownFieldsAreIgnored) {
  ChatRequest request = read(with(
      R"("user":"u","metadata":{},"store":true,"service_tier":1,"foo":[])"));
  EXPECT_TRUE(request.warnings.empty());
  request = read(with(R"("functions":[{"name":"f"}])"));
  ASSERT_EQ(request.warnings.size(), 1u);
}

}  // namespace
}  // namespace hadal
