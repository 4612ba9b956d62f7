// Conversations that are longer than the context.
#include "server/api/responses_truncation.h"

#include "server/api/responses_test_tools.h"

namespace hadal {
namespace {

using responses_test::Server;

// A system text and `turns` questions with answers; the last without one.
std::string conversation(int turns, const std::string& truncation) {
  std::string body = R"({"reasoning":{"effort":"none"},"truncation":")" +
                     truncation + R"(","instructions":"Be brief.","input":[)";
  for (int i = 0; i < turns; ++i) {
    const std::string number = std::to_string(i);
    body += R"({"role":"user","content":"question )" + number + R"("},)";
    if (i + 1 < turns)
      body += R"({"type":"function_call","call_id":"c)" + number +
              R"(","name":"f","arguments":"{}"},)" +
              R"({"type":"function_call_output","call_id":"c)" + number +
              R"(","output":"result )" + number + R"("},)" +
              R"({"role":"assistant","content":"answer )" + number + R"("},)";
  }
  body.back() = ']';
  return body + "}";
}

size_t prompt_tokens(Server& server, const std::string& body) {
  return server.call(body)->choices.at(0).engine.prompt.size();
}

TEST(ResponsesTruncation, TheFewestOldestTurnsGo) {
  Server server;
  const size_t ten = prompt_tokens(server, conversation(10, "disabled"));
  for (const size_t room : {ten + 1, ten, ten / 2, ten / 4}) {
    server.served.info.context = static_cast<int64_t>(room);
    const std::string prompt = server.prompt(conversation(10, "auto"));
    const size_t tokens = prompt_tokens(server, conversation(10, "auto"));
    EXPECT_LT(tokens, room);
    EXPECT_NE(prompt.find("Be brief."), std::string::npos);
    EXPECT_NE(prompt.find("question 9"), std::string::npos);
    // What is left begins with a question, and its calls have their outputs.
    int first = 0;
    while (prompt.find("question " + std::to_string(first)) ==
           std::string::npos)
      ++first;
    EXPECT_EQ(first > 0, room <= ten);
    for (int i = 0; i < 9; ++i)
      for (const char* part : {"question ", "result ", "answer "})
        EXPECT_EQ(
            prompt.find(part + std::to_string(i)) != std::string::npos,
            i >= first)
            << part << i;
    if (first == 0)
      continue;
    // One more turn would not have fitted.
    server.served.info.context = 100'000;
    const size_t more = prompt_tokens(server, conversation(2, "disabled")) -
                        prompt_tokens(server, conversation(1, "disabled"));
    EXPECT_GE(tokens + more + 1, room);
  }
}

TEST(ResponsesTruncation, WhatCannotBeCutIsRefused) {
  Server server;
  server.served.info.context = 60;
  EXPECT_NE(
      server.refusal(conversation(10, "disabled")).find("the prompt has"),
      std::string::npos);
  server.served.info.context = 8;
  EXPECT_NE(
      server.refusal(conversation(10, "auto")).find("the prompt has"),
      std::string::npos);
  EXPECT_EQ(
      server.refusal(R"({"input":"a","truncation":"middle"})"),
      "truncation: expected auto or disabled, found 'middle'");
}

TEST(ResponsesTruncation, TheAnswerRepeatsIt) {
  Server server;
  auto call = server.call(R"({"input":"a","truncation":"auto"})");
  const JsonValue json =
      json_of(drive(*call, {says("b")}, end_with(ChatFinish::stop)));
  EXPECT_EQ(json.find("truncation")->as_string(), "auto");
}

}  // namespace
}  // namespace hadal
