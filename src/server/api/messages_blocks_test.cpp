// Messages and their blocks: the prompt that comes of every kind, every
// refusal.
#include "server/api/messages_test_tools.h"

namespace hadal::messages_test {
namespace {

TEST(MessagesBlocks, TextsAndSystem) {
  EXPECT_EQ(
      prompt_of_messages(R"({"role":"user","content":"Hi"})"),
      "<｜User｜>Hi<｜Assistant｜><think>");
  EXPECT_EQ(
      prompt(R"("system":"Be brief.","messages":[
          {"role":"user","content":[{"type":"text","text":"a",
            "cache_control":{"type":"ephemeral"}},
            {"type":"text","text":"b"}]},
          {"role":"assistant","content":[{"type":"text","text":"c"},
            {"type":"text","text":"d"}]},
          {"role":"user","content":"e"}])"),
      "Be brief.<｜User｜>a\n\nb<｜Assistant｜></think>c\n\nd"
      "<｜end▁of▁sentence｜><｜User｜>e<｜Assistant｜><think>");
}

TEST(MessagesBlocks, TheBillingLineIsLeftOut) {
  constexpr std::string_view kMembers = R"("system":[
      {"type":"text","text":"x-anthropic-billing-header: cc_version=2; n=1"},
      {"type":"text","text":"You are an agent.",
       "cache_control":{"type":"ephemeral"}},
      {"type":"text","text":""},
      {"type":"text","text":"x-anthropic-billing-header stays here"}],
      "messages":[{"role":"user","content":"Hi"}])";
  EXPECT_EQ(
      prompt(kMembers),
      "You are an agent.\n\nx-anthropic-billing-header stays here"
      "<｜User｜>Hi<｜Assistant｜><think>");
  ServedModel served = family_model();
  served.strip_billing_header = false;
  EXPECT_NE(
      prompt_of(*call_of(with(kMembers), served))
          .find("cc_version=2; n=1\n\nYou are"),
      std::string::npos);
}

TEST(MessagesBlocks, SystemMessagesWithinAConversation) {
  EXPECT_EQ(
      prompt(R"("system":"S","messages":[
          {"role":"system","content":"T"},
          {"role":"user","content":"a"},
          {"role":"system","content":[{"type":"text","text":"later"}]},
          {"role":"user","content":"b"}])"),
      "S\n\nT<｜User｜>a\n\nlater\n\nb<｜Assistant｜><think>");
}

TEST(MessagesBlocks, ThinkingComesBack) {
  EXPECT_EQ(
      prompt_of_messages(R"({"role":"user","content":"a"},
          {"role":"assistant","content":[
            {"type":"thinking","thinking":"one","signature":"s"},
            {"type":"redacted_thinking","data":"AAAA"},
            {"type":"thinking","thinking":"two","signature":"s"},
            {"type":"text","text":"b"}]},
          {"role":"user","content":"c"})"),
      "<｜User｜>a<｜Assistant｜><think>one\n\ntwo</"
      "think>b<｜end▁of▁sentence｜>"
      "<｜User｜>c<｜Assistant｜><think>");
  // The empty text that we add to thinking alone leaves no trace.
  EXPECT_EQ(
      prompt_of_messages(R"({"role":"user","content":"a"},
          {"role":"assistant","content":[
            {"type":"thinking","thinking":"r","signature":"s"},
            {"type":"text","text":""}]},
          {"role":"user","content":"c"})"),
      "<｜User｜>a<｜Assistant｜><think>r</think><｜end▁of▁sentence｜>"
      "<｜User｜>c<｜Assistant｜><think>");
}

TEST(MessagesBlocks, ToolUseAndResultsInTheOrderOfBlocks) {
  std::string text = prompt(R"("tools":[
      {"name":"Read","description":"Reads","input_schema":{"type":"object",
       "properties":{"path":{"type":"string"}}},
       "cache_control":{"type":"ephemeral"}},
      {"name":"Bash","input_schema":{"type":"object"},"type":"custom"}],
      "messages":[{"role":"user","content":"Go"},
      {"role":"assistant","content":[{"type":"text","text":"Look"},
        {"type":"tool_use","id":"t1","name":"Read","input":{"path":"a","n":1}},
        {"type":"tool_use","id":"t2","name":"Bash","input":{}}]},
      {"role":"user","content":[
        {"type":"text","text":"before"},
        {"type":"tool_result","tool_use_id":"t2","content":"second"},
        {"type":"text","text":"between"},
        {"type":"tool_result","tool_use_id":"t1","content":[
          {"type":"text","text":"x"},{"type":"image","source":{}},
          {"type":"text","text":"y"}]},
        {"type":"text","text":"after"},{"type":"text","text":"end"}]}])");
  EXPECT_NE(
      text.find("{\"name\": \"Read\", \"description\": \"Reads\", "
                "\"parameters\": {\"type\": \"object\", \"properties\": "
                "{\"path\": {\"type\": \"string\"}}}}\n"
                "{\"name\": \"Bash\", \"parameters\": {\"type\": "
                "\"object\"}}\n"),
      std::string::npos)
      << text;
  // Results stand in the order of the calls, texts in their places.
  EXPECT_EQ(
      text.substr(text.find("<｜User｜>Go")),
      "<｜User｜>Go<｜Assistant｜><think></think>Look\n\n"
      "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"Read\">\n"
      "<｜DSML｜parameter name=\"path\" string=\"true\">a</｜DSML｜parameter>\n"
      "<｜DSML｜parameter name=\"n\" string=\"false\">1</｜DSML｜parameter>\n"
      "</｜DSML｜invoke>\n<｜DSML｜invoke name=\"Bash\">\n\n</｜DSML｜invoke>\n"
      "</｜DSML｜tool_calls><｜end▁of▁sentence｜>"
      "<｜User｜>before\n\n<tool_result>x\n\n[Unsupported image]\n\ny"
      "</tool_result>\n\nbetween\n\n<tool_result>second</tool_result>\n\n"
      "after\n\nend<｜Assistant｜><think>");
}

TEST(MessagesBlocks, ResultsOfFailures) {
  auto result = [](std::string_view members) {
    return prompt_of_messages(
        R"({"role":"user","content":"a"},{"role":"assistant","content":[
          {"type":"tool_use","id":"t","name":"f","input":{}}]},
          {"role":"user","content":[{"type":"tool_result","tool_use_id":"t")" +
        std::string(members) + "}]}");
  };
  auto has = [](const std::string& text, std::string_view part) {
    return text.find("<tool_result>" + std::string(part) + "</tool_result>") !=
           std::string::npos;
  };
  EXPECT_TRUE(has(result(""), ""));
  EXPECT_TRUE(has(result(R"(,"content":null)"), ""));
  EXPECT_TRUE(has(result(R"(,"is_error":true)"), "Error"));
  EXPECT_TRUE(has(result(R"(,"content":[],"is_error":true)"), "Error"));
  EXPECT_TRUE(has(result(R"(,"content":"no","is_error":true)"), "no"));
}

TEST(MessagesBlocks, DocumentsAndSearchResults) {
  EXPECT_EQ(
      prompt_of_messages(R"({"role":"user","content":[
          {"type":"document","title":"T","context":"C",
           "source":{"type":"text","media_type":"text/plain","data":"D"}},
          {"type":"document","source":{"type":"content","content":"E"}},
          {"type":"document","source":{"type":"content","content":[
            {"type":"text","text":"F"},{"type":"image"}]}},
          {"type":"document","source":{"type":"base64","data":"AA"}},
          {"type":"search_result","title":"G","source":"H","content":[
            {"type":"text","text":"I"}]}]})"),
      "<｜User｜>T\n\nC\n\nD\n\nE\n\nF\n\n[Unsupported image]\n\n"
      "[Unsupported document]\n\nG\n\nH\n\nI<｜Assistant｜><think>");
}

TEST(MessagesBlocks, BlocksOfServerToolsAreLeftOut) {
  constexpr std::string_view kMessages = R"("messages":[
      {"role":"user","content":[{"type":"text","text":"a"},
        {"type":"container_upload","file_id":"f"}]},
      {"role":"assistant","content":[
        {"type":"server_tool_use","id":"s","name":"web_search","input":{}},
        {"type":"web_search_tool_result","tool_use_id":"s","content":[]},
        {"type":"text","text":"b"}]},
      {"role":"user","content":"c"}])";
  EXPECT_EQ(
      prompt(kMessages),
      "<｜User｜>a<｜Assistant｜></think>b<｜end▁of▁sentence｜><｜User｜>c"
      "<｜Assistant｜><think>");
  EXPECT_EQ(
      warnings_of(kMessages),
      (std::vector<std::string>{
          "messages[0].content[1] of type 'container_upload' was left out",
          "messages[1].content[0] of type 'server_tool_use' was left out",
          "messages[1].content[1] of type 'web_search_tool_result' was left "
          "out"}));
}

TEST(MessagesBlocks, RefusalsOfMessages) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "messages: a request must have at least one message"},
      {"5", "messages[0]: expected a message object"},
      {R"({"content":"a"})", "messages[0].role: it is missing"},
      {R"({"role":"tool","content":"a"})",
       "messages[0].role: unknown role 'tool'; expected user, assistant"},
      {R"({"role":"user"})", "messages[0].content: a message must have"},
      {R"({"role":"user","content":5})",
       "messages[0].content: expected a string or an array of blocks"},
      {R"({"role":"user","content":["a"]})",
       "messages[0].content[0]: expected a content block"},
      {R"({"role":"user","content":[{}]})",
       "messages[0].content[0].type: a content block must have a type"},
      {R"({"role":"user","content":[{"type":"text"}]})",
       "messages[0].content[0].text: it is missing"},
      {R"({"role":"user","content":[{"type":"image"}]})",
       "messages[0].content[0].type: this model reads text only"},
      {R"({"role":"user","content":[{"type":"tool_use"}]})",
       "messages[0].content[0].type: expected text, document"},
      {R"({"role":"user","content":[{"type":"document"}]})",
       "messages[0].content[0].source: a document must have a source"},
      {R"({"role":"user","content":[{"type":"document","source":
          {"type":"text"}}]})",
       "messages[0].content[0].source.data: it is missing"},
      {R"({"role":"user","content":[{"type":"tool_result"}]})",
       "messages[0].content[0].tool_use_id: it is missing"},
      {R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t",
          "content":5}]})",
       "messages[0].content[0].content: expected a string or an array"},
      {R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t",
          "content":[5]}]})",
       "messages[0].content[0].content[0]: expected a content block"},
      {R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t",
          "is_error":5}]})",
       "messages[0].content[0].is_error: expected true or false"},
      {R"({"role":"assistant","content":[{"type":"tool_result"}]})",
       "messages[0].content[0].type: expected text, thinking or tool_use"},
      {R"({"role":"assistant","content":[{"type":"thinking","thinking":5}]})",
       "messages[0].content[0].thinking: expected a string"},
      {R"({"role":"assistant","content":[{"type":"tool_use","id":"t",
          "name":""}]})",
       "messages[0].content[0].name: a tool must have a name"},
      {R"({"role":"assistant","content":[{"type":"tool_use","id":"t",
          "name":"f","input":"{}"}]})",
       "messages[0].content[0].input: expected an object"},
      {R"({"role":"user","content":"a"},{"role":"assistant","content":[
          {"type":"tool_use","id":"t","name":"f","input":{}}]})",
       "messages[1]: the conversation ends with tool_use"}};
  for (auto [messages, start] : kCases) {
    std::string text =
        refusal(with(R"("messages":[)" + std::string(messages) + "]"));
    EXPECT_TRUE(text.starts_with(start)) << text;
  }
  EXPECT_TRUE(refusal(with(R"("messages":[{"role":"user","content":"a"},
      {"role":"assistant","content":"b"}],"tools":[{"name":"f"}],
      "tool_choice":{"type":"any"})"))
                  .starts_with("tool_choice: a call cannot be forced"));
}

}  // namespace
}  // namespace hadal::messages_test
