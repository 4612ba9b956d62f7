// Responses that go on from others: by previous_response_id, by references to
// items, and where an answer was cut.
#include "server/api/responses_test_tools.h"

namespace hadal::responses_test {
namespace {

TEST(ResponsesConversation, AConversationGoesOn) {
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

TEST(ResponsesConversation, ReferencesInsteadOfItems) {
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

TEST(ResponsesConversation, ACutAnswerIsContinued) {
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

}  // namespace
}  // namespace hadal::responses_test
