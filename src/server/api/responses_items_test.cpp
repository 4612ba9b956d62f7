// Items of Responses requests as messages: each type, the rules that join them,
// every refusal.
#include "server/api/responses_items.h"

#include "server/api/base64.h"
#include "server/api/family_test_tools.h"
#include "text/request_fields.h"

namespace hadal {
namespace {

// The messages, one a line:
//   role: content [reasoning] {name id arguments}... <tool_call_id>
std::string lines_of(const std::vector<RequestMessage>& messages) {
  std::string out;
  for (const RequestMessage& read : messages) {
    const ChatMessage& message = read.message;
    out += message.role_name + ": " + message.content;
    if (!message.reasoning.empty())
      out += " [" + message.reasoning + "]";
    for (const ChatToolCall& call : message.tool_calls)
      out += " {" + call.name + " " + call.id + " " +
             call.arguments.as_string() + "}";
    if (message.role == ChatRole::tool)
      out += " <" + message.tool_call_id + ">";
    out += "\n";
  }
  return out;
}

struct Items {
  RequestOptions options;
  ResponseStore store;
  std::vector<std::string> warnings;
  bool incomplete = false;

  std::string read(std::string_view items) {
    ResponseItemReader reader(options, store, warnings);
    JsonValue list = json_of("[" + std::string(items) + "]");
    try {
      for (size_t i = 0; i < list.items().size(); ++i)
        reader.add(list.items()[i], item_path("input", i), i);
    } catch (const RequestError& error) {
      return error.failure.field + ": " + error.failure.message;
    }
    incomplete = reader.ends_incomplete();
    return lines_of(reader.take());
  }
};

std::string read(std::string_view items) {
  return Items().read(items);
}

TEST(ResponsesItems, Messages) {
  EXPECT_EQ(
      read(R"({"role":"user","content":"a"},
          {"type":"message","role":"developer","content":[
            {"type":"input_text","text":"b"},{"type":"input_text","text":"c"}]},
          {"type":"message","role":"system","content":"d"},
          {"type":"message","role":"assistant","content":[
            {"type":"output_text","text":"e","annotations":[]},
            {"type":"refusal","refusal":"f"}]},
          {"role":"user","content":null},
          {"role":"user","content":[{"type":"text","text":"g"}]})"),
      "user: a\n"
      "developer: b\n\nc\n"
      "system: d\n"
      "assistant: e\n\nf\n"
      "user: \n"
      "user: g\n");
}

TEST(ResponsesItems, CallsJoinTheMessageBeforeThem) {
  EXPECT_EQ(
      read(R"({"role":"assistant","content":"I look."},
          {"type":"function_call","call_id":"c1","name":"f",
           "arguments":"{\"a\":1}"},
          {"type":"custom_tool_call","call_id":"c2","name":"patch",
           "input":"*** \"x\""},
          {"type":"function_call_output","call_id":"c1","output":"one"},
          {"type":"custom_tool_call_output","call_id":"c2","output":"two"},
          {"type":"function_call","call_id":"c3","name":"g","arguments":{"b":2},
           "namespace":"mcp__x__"},
          {"type":"function_call","id":"fc_4","name":"h"})"),
      "assistant: I look. {f c1 {\"a\":1}}"
      " {patch c2 {\"input\": \"*** \\\"x\\\"\"}}\n"
      "tool: one <c1>\n"
      "tool: two <c2>\n"
      "assistant:  {mcp__x__g c3 {\"b\": 2}} {h fc_4 }\n");
}

TEST(ResponsesItems, AMessageAfterCallsIsANewOne) {
  EXPECT_EQ(
      read(R"({"type":"function_call","call_id":"1","name":"f"},
          {"role":"assistant","content":"a"},
          {"role":"assistant","content":"b"})"),
      "assistant:  {f 1 }\nassistant: a\nassistant: b\n");
}

TEST(ResponsesItems, ReasoningWaitsForTheNextTurn) {
  constexpr std::string_view kThought =
      R"({"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]})";
  std::string thought(kThought);
  // To a message, to a call, and two joined.
  EXPECT_EQ(
      read(thought + R"(,{"role":"assistant","content":"a"})"),
      "assistant: a [r]\n");
  EXPECT_EQ(
      read(
          thought + "," + thought +
          R"(,{"type":"function_call","call_id":"1","name":"f"})"),
      "assistant:  [r\n\nr] {f 1 }\n");
  // A call after new reasoning is a new turn.
  EXPECT_EQ(
      read(
          R"({"role":"assistant","content":"a"},)" + thought +
          R"(,{"type":"function_call","call_id":"1","name":"f"},
              {"type":"function_call","call_id":"2","name":"g"})"),
      "assistant: a\nassistant:  [r] {f 1 } {g 2 }\n");
  // Alone before a user's message, an output, the end.
  EXPECT_EQ(
      read(thought + R"(,{"role":"user","content":"q"})"),
      "assistant:  [r]\nuser: q\n");
  EXPECT_EQ(
      read(
          thought +
          R"(,{"type":"function_call_output","call_id":"1","output":"o"})"),
      "assistant:  [r]\ntool: o <1>\n");
  EXPECT_EQ(read(thought), "assistant:  [r]\n");
  // What is skipped does not end the turn.
  EXPECT_EQ(
      read(thought + R"(,{"type":"compaction","encrypted_content":"x"},
              {"type":"mcp_list_tools","tools":[]},
              {"role":"assistant","content":"a"})"),
      "assistant: a [r]\n");
}

TEST(ResponsesItems, TheFormsOfReasoning) {
  auto reasoning = [](std::string members) {
    return read(
        R"({"type":"reasoning",)" + members +
        R"(},{"role":"assistant","content":"a"})");
  };
  std::string packed = encode_base64("größer\nals");
  EXPECT_EQ(
      reasoning(
          R"("summary":[{"type":"summary_text","text":"s"}],"content":[
             {"type":"reasoning_text","text":"c"},
             {"type":"reasoning_text","text":"d"}])"),
      "assistant: a [c\n\nd]\n");
  EXPECT_EQ(
      reasoning(
          R"("summary":[{"type":"summary_text","text":"s"}],"content":null,
             "encrypted_content":")" +
          packed + "\""),
      "assistant: a [größer\nals]\n");
  // Another service's: not base64, and bytes that are no text.
  for (std::string foreign : {"gAAAAAB_x-y", "gAAAAABo"})
    EXPECT_EQ(
        reasoning(
            R"("summary":[{"type":"summary_text","text":"s"}],
               "encrypted_content":")" +
            foreign + "\""),
        "assistant: a [s]\n")
        << foreign;
  EXPECT_EQ(reasoning(R"("summary":[])"), "assistant: a\n");
}

TEST(ResponsesItems, CallsOfHostedTools) {
  EXPECT_EQ(
      read(R"({"type":"local_shell_call","call_id":"1","status":"completed",
           "action":{"type":"exec","command":["ls"],"env":{}}},
          {"type":"local_shell_call_output","id":"1","output":"{\"a\":1}"},
          {"type":"web_search_call","id":"ws_1","status":"completed",
           "action":{"type":"search","query":"q"}},
          {"type":"file_search_call","id":"fs_1","queries":["a"],"results":[]},
          {"type":"image_generation_call","id":"ig_1","result":"AAAA",
           "revised_prompt":"p"},
          {"type":"apply_patch_call","call_id":"2",
           "operation":{"type":"delete_file","path":"x"}},
          {"type":"apply_patch_call_output","call_id":"2","status":"failed"})"),
      "assistant:  {local_shell 1 {\"type\": \"exec\", \"command\": [\"ls\"], "
      "\"env\": {}}}\n"
      "tool: {\"a\":1} <1>\n"
      "assistant:  {web_search ws_1 {\"type\": \"search\", \"query\": \"q\"}}"
      " {file_search fs_1 {\"queries\": [\"a\"]}}"
      " {image_generation ig_1 {\"revised_prompt\": \"p\"}}"
      " {apply_patch 2 {\"type\": \"delete_file\", \"path\": \"x\"}}\n"
      "tool: failed <2>\n");
  EXPECT_EQ(
      read(R"({"type":"mcp_call","id":"m1","name":"find","server_label":"s",
           "arguments":"{}","output":"found"})"),
      "assistant:  {find m1 {}}\ntool: found <m1>\n");
}

TEST(ResponsesItems, OutputsInAllForms) {
  auto output = [](std::string members) {
    return read(
        R"({"type":"function_call_output","call_id":"1",)" + members + "}");
  };
  EXPECT_EQ(
      output(R"("output":[{"type":"input_text","text":"a"},
                {"type":"input_image","image_url":"data:"},"b"])"),
      "tool: a\n\n[Unsupported input_image]\n\nb <1>\n");
  EXPECT_EQ(
      output(R"("output":[{"stdout":"x","stderr":""}])"),
      "tool: [{\"stdout\": \"x\", \"stderr\": \"\"}] <1>\n");
  EXPECT_EQ(
      output(R"("output":{"type":"computer_screenshot"})"),
      "tool: [Unsupported computer_screenshot] <1>\n");
  EXPECT_EQ(output(R"("output":{"a":1})"), "tool: {\"a\": 1} <1>\n");
  EXPECT_EQ(output(R"("output":null)"), "tool:  <1>\n");
  EXPECT_EQ(output(R"("result":"r")"), "tool: r <1>\n");
}

TEST(ResponsesItems, ReferencesAreResolved) {
  Items items;
  auto turn = std::make_shared<ResponseTurn>();
  turn->output.items().push_back(json_of(
      R"({"id":"msg_1","type":"message","role":"assistant","content":"kept"})"));
  turn->output.items().push_back(
      json_of(R"({"id":"loop","type":"item_reference"})"));
  auto response = std::make_shared<StoredResponse>();
  response->id = "resp_1";
  response->turns = {turn};
  items.store.put(response);
  EXPECT_EQ(
      items.read(R"({"type":"item_reference","id":"msg_1"})"),
      "assistant: kept\n");
  EXPECT_EQ(items.read(R"({"type":"item_reference","id":"loop"})"), "");
  EXPECT_EQ(
      items.read(R"({"type":"item_reference","id":"rs_9"})"),
      "input[0].id: no item with id 'rs_9' is kept here");
}

TEST(ResponsesItems, WhatIsIncomplete) {
  Items items;
  items.read(R"({"role":"assistant","content":"a","status":"incomplete"})");
  EXPECT_TRUE(items.incomplete);
  items.read(R"({"type":"reasoning","status":"incomplete","summary":[]})");
  EXPECT_TRUE(items.incomplete);
  items.read(R"({"role":"assistant","content":"a","status":"incomplete"},
                {"role":"user","content":"q"})");
  EXPECT_FALSE(items.incomplete);
  // A call without its end was never made.
  EXPECT_EQ(
      items.read(R"({"role":"assistant","content":"a"},
          {"type":"function_call","call_id":"1","name":"f","arguments":"{\"",
           "status":"incomplete"})"),
      "assistant: a\n");
  EXPECT_EQ(
      items.warnings.back(), "input[1] was left out; the call is incomplete");
}

TEST(ResponsesItems, Refusals) {
  const std::pair<const char*, const char*> kCases[] = {
      {"5", "input[0]: expected an item object, found number"},
      {"{}", "input[0].type: an item must have a type"},
      {R"({"type":5})", "input[0].type: expected a string, found number"},
      {R"({"type":"message","content":"a"})",
       "input[0].role: a message must have a role"},
      {R"({"role":"tool","content":"a"})",
       "input[0].role: unknown role 'tool'; expected user, assistant"},
      {R"({"role":"user","content":5})",
       "input[0].content: expected a string, an array of parts or null"},
      {R"({"role":"user","content":[{"type":"input_image"}]})",
       "input[0].content[0].type: this model reads text only"},
      {R"({"role":"user","content":[{"type":"input_file"}]})",
       "input[0].content[0].type: expected 'text' or 'refusal'"},
      {R"({"role":"user","content":[{"type":"input_text"}]})",
       "input[0].content[0].text: a part of type 'input_text' must have it"},
      {R"({"role":"user","content":"a","status":5})",
       "input[0].status: expected a string"},
      {R"({"type":"reasoning","summary":5})",
       "input[0].summary: expected an array"},
      {R"({"type":"reasoning","summary":[5]})",
       "input[0].summary[0]: expected a part object"},
      {R"({"type":"reasoning","content":[{"text":5}]})",
       "input[0].content[0].text: expected a string"},
      {R"({"type":"reasoning","encrypted_content":5})",
       "input[0].encrypted_content: expected a string"},
      {R"({"type":"function_call","call_id":"1"})",
       "input[0].name: a call must have a name"},
      {R"({"type":"function_call","name":"f","call_id":5})",
       "input[0].call_id: expected a string"},
      {R"({"type":"custom_tool_call","name":""})",
       "input[0].name: a call must have a name"},
      {R"({"type":"custom_tool_call","name":"f","input":{}})",
       "input[0].input: expected a string, found object"},
      {R"({"type":"function_call_output","call_id":"1","output":
          [{"type":"input_text"}]})",
       "input[0].output[0].text: a part of type 'input_text' must have it"},
      {R"({"role":"user","content":"a"},{"role":"x"})",
       "input[1].role: unknown role 'x'"}};
  for (auto [items, start] : kCases)
    EXPECT_TRUE(read(items).starts_with(start)) << read(items);
}

}  // namespace
}  // namespace hadal
