// Tools of Responses requests: what the prompt shows, and every refusal.
#include "server/api/responses_tools.h"

#include "server/api/family_test_tools.h"
#include "text/request_fields.h"

namespace hadal {
namespace {

constexpr std::string_view kTools = R"([
  {"type":"function","name":"look","description":"Looks","strict":false,
   "parameters":{"type":"object","properties":{"at":{"type":"string"}}}},
  {"type":"custom","name":"patch","description":"Edits"},
  {"type":"web_search"},
  {"type":"namespace","name":"mcp__files__","description":"Files","tools":[
    {"type":"function","name":"read","parameters":null},
    {"type":"custom","name":"write"}]}])";

struct Read {
  ResponseTools tools;
  ChatRequest request;
};

// "" or "field: message".
std::string read(std::string_view tools, std::string_view rest, Read& read) {
  std::string body = R"({"tools":)" + std::string(tools);
  body += rest.empty() ? "" : ",";
  body += std::string(rest) + "}";
  JsonValue json = json_of(body);
  try {
    add_response_tools(
        *json.find("tools"), "tools", read.tools, read.request.warnings);
    read_response_choice(json, read.tools, read.request);
  } catch (const RequestError& error) {
    return error.failure.field + ": " + error.failure.message;
  }
  return "";
}

std::string refusal(std::string_view tools, std::string_view rest = "") {
  Read ignored;
  return read(tools, rest, ignored);
}

std::vector<std::string> names(const std::vector<JsonValue>& functions) {
  std::vector<std::string> names;
  for (const JsonValue& function : functions)
    names.push_back(function.find("name")->as_string());
  return names;
}

TEST(ResponsesTools, EachBecomesAFunction) {
  Read all;
  ASSERT_EQ(read(kTools, "", all), "");
  ASSERT_EQ(all.tools.functions.size(), 4u);
  EXPECT_EQ(
      print_json(all.tools.functions[0]),
      R"({"name": "look", "description": "Looks", "parameters": )"
      R"({"type": "object", "properties": {"at": {"type": "string"}}}})");
  EXPECT_EQ(
      print_json(all.tools.functions[1]),
      R"({"name": "patch", "description": "Edits", "parameters": {"type": )"
      R"("object", "properties": {"input": {"type": "string", "description": )"
      R"("The input, as plain text."}}, "required": ["input"]}})");
  EXPECT_EQ(
      print_json(all.tools.functions[2]), R"({"name": "mcp__files__read"})");
  EXPECT_EQ(
      all.request.warnings,
      std::vector<std::string>{
          "tools[2] of type 'web_search' was left out; only functions and "
          "custom tools are supported"});
  const ResponseTool& write =
      all.tools.by_name.find("mcp__files__write")->second;
  EXPECT_EQ(write.name, "write");
  EXPECT_EQ(write.name_space, "mcp__files__");
  EXPECT_TRUE(write.custom);
  EXPECT_FALSE(all.tools.by_name.find("look")->second.custom);
}

TEST(ResponsesTools, GrammarsAndStrict) {
  Read all;
  ASSERT_EQ(
      read(
          R"([{"type":"custom","name":"p","description":"D","format":
              {"type":"grammar","syntax":"lark","definition":"start: /a/"}},
             {"type":"custom","name":"q","format":{"type":"text"}},
             {"type":"function","name":"f","strict":true},
             {"type":"function","function":{"name":"old"}}])",
          "",
          all),
      "");
  EXPECT_EQ(
      all.tools.functions[0].find("description")->as_string(),
      "D\n\nThe input is text that must match this lark grammar:\nstart: /a/");
  EXPECT_EQ(all.tools.functions[1].find("description")->as_string(), "");
  EXPECT_TRUE(all.tools.functions[2].find("strict")->as_boolean());
  EXPECT_EQ(names(all.tools.functions)[3], "old");
}

TEST(ResponsesTools, Refusals) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"([5])", "tools[0]: expected a tool object, found number"},
      {R"([{"type":5}])", "tools[0].type: expected a string, found number"},
      {R"([{"type":"function"}])", "tools[0].name: a tool must have a name"},
      {R"([{"type":"custom","name":""}])",
       "tools[0].name: a tool must have a name"},
      {R"([{"type":"function","name":"a b"}])",
       "tools[0].name: the name 'a b' may hold only letters"},
      {R"([{"type":"function","name":"a","parameters":5}])",
       "tools[0].parameters: expected an object, found number"},
      {R"([{"type":"function","name":"a","parameters":{"type":"array"}}])",
       "tools[0].parameters.type: parameters must be a schema of type object"},
      {R"([{"type":"function","name":"a"},{"type":"custom","name":"a"}])",
       "tools[1].name: tool names must be unique; 'a' is repeated"},
      {R"([{"type":"function","function":{"name":"a b"}}])",
       "tools[0].function.name: the name 'a b'"},
      {R"([{"type":"custom","name":"a","format":5}])",
       "tools[0].format: expected an object, found number"},
      {R"([{"type":"namespace","tools":[]}])",
       "tools[0].name: a namespace must have a name"},
      {R"([{"type":"namespace","name":"n"}])",
       "tools[0].tools: a namespace must have tools"},
      {R"([{"type":"namespace","name":"n","tools":[{"type":"function"}]}])",
       "tools[0].tools[0].name: a tool must have a name"},
      {R"([{"type":"namespace","name":"n","tools":[5]}])",
       "tools[0].tools[0]: expected a tool object"}};
  for (auto [tools, start] : kCases)
    EXPECT_TRUE(refusal(tools).starts_with(start)) << refusal(tools);
}

TEST(ResponsesTools, Choices) {
  struct Case {
    const char* choice;
    ToolChoice kind;
    std::vector<std::string> tools;
  };
  const std::vector<std::string> kAll = {
      "look", "patch", "mcp__files__read", "mcp__files__write"};
  const Case kCases[] = {
      {R"("auto")", ToolChoice::automatic, kAll},
      {"null", ToolChoice::automatic, kAll},
      {R"("none")", ToolChoice::none, {}},
      {R"("required")", ToolChoice::required, kAll},
      {R"({"type":"function","name":"look"})", ToolChoice::named, {"look"}},
      {R"({"type":"custom","name":"patch"})", ToolChoice::named, {"patch"}},
      {R"({"type":"function","name":"read"})",
       ToolChoice::named,
       {"mcp__files__read"}},
      {R"({"type":"function","name":"read","namespace":"mcp__files__"})",
       ToolChoice::named,
       {"mcp__files__read"}},
      {R"({"type":"allowed_tools","mode":"auto","tools":[
          {"type":"function","name":"look"},{"type":"web_search"}]})",
       ToolChoice::automatic,
       {"look"}},
      {R"({"type":"allowed_tools","mode":"required","tools":[
          {"type":"custom","name":"patch"},
          {"type":"function","name":"mcp__files__read"}]})",
       ToolChoice::required,
       {"patch", "mcp__files__read"}},
      {R"({"type":"allowed_tools","mode":"required","tools":[]})",
       ToolChoice::automatic,
       {}},
      {R"({"type":"required"})", ToolChoice::required, kAll},
      {R"({"type":"web_search_preview"})", ToolChoice::automatic, kAll}};
  for (const Case& one : kCases) {
    Read all;
    EXPECT_EQ(
        read(kTools, R"("tool_choice":)" + std::string(one.choice), all), "");
    EXPECT_EQ(all.request.tool_choice, one.kind) << one.choice;
    EXPECT_EQ(names(all.request.tools), one.tools) << one.choice;
    EXPECT_TRUE(all.request.parallel_tool_calls);
  }
  Read single;
  read(kTools, R"("parallel_tool_calls":false)", single);
  EXPECT_FALSE(single.request.parallel_tool_calls);
}

TEST(ResponsesTools, ChoiceRefusals) {
  const std::pair<const char*, const char*> kCases[] = {
      {"5", "tool_choice: expected a string or an object, found number"},
      {R"("never")", "tool_choice: expected auto, none, required"},
      {R"({"type":"function"})", "tool_choice.name: a named choice must have"},
      {R"({"type":"function","name":"x"})",
       "tool_choice.name: 'x' is not one of the request's tools"},
      {R"({"type":"allowed_tools","mode":"some","tools":[]})",
       "tool_choice.mode: expected auto or required, found 'some'"},
      {R"({"type":"allowed_tools"})", "tool_choice.tools: the allowed tools"},
      {R"({"type":"allowed_tools","tools":[5]})",
       "tool_choice.tools[0]: expected a tool object"},
      {R"({"type":"allowed_tools","tools":[{"type":"function","name":"x"}]})",
       "tool_choice.tools[0].name: 'x' is not one of"}};
  for (auto [choice, start] : kCases) {
    std::string text =
        refusal(kTools, R"("tool_choice":)" + std::string(choice));
    EXPECT_TRUE(text.starts_with(start)) << text;
  }
  EXPECT_TRUE(refusal(kTools, R"("parallel_tool_calls":1)")
                  .starts_with("parallel_tool_calls: expected true or false"));
}

TEST(ResponsesTools, RequiredWithoutToolsIsIgnored) {
  Read none;
  EXPECT_EQ(read("[]", R"("tool_choice":"required")", none), "");
  EXPECT_EQ(none.request.tool_choice, ToolChoice::automatic);
  EXPECT_EQ(none.request.warnings.size(), 1u);
}

}  // namespace
}  // namespace hadal
