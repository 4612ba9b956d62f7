// /tokenize, /detokenize and /apply-template.
#include "server/api/text_routes.h"

#include <gtest/gtest.h>

#include "server/api/testing.h"

namespace hadal::testing {
namespace {

std::string member(const Answer& answer, std::string_view name) {
  Result<JsonValue> body = parse_json(answer.body);
  if (!body.has_value() || body->find(name) == nullptr)
    return "";
  return print_json(*body->find(name));
}

TEST(TextRoutes, Tokenize) {
  TestServer server;
  const Tokenizer& tokenizer = server.served.tokenizer;
  auto count = [&](std::string_view body) {
    return member(server.post("/tokenize", body), "count");
  };
  EXPECT_EQ(
      member(server.post("/tokenize", R"({"content":"<think>"})"), "tokens"),
      "[" + std::to_string(server.served.control.think_open) + "]");
  EXPECT_EQ(count(R"({"content":"<think>","add_special":true})"), "2");
  EXPECT_EQ(count(R"({"prompt":"<think>","add_special_tokens":true})"), "2");
  EXPECT_NE(count(R"({"content":"<think>","parse_special":false})"), "1");
  EXPECT_EQ(count(R"({"content":""})"), "0");
  int32_t fragment =
      tokenizer.encode("\xE2\x80\xA8", SpecialTokens::as_text)[0];
  Answer pieces =
      server.post("/tokenize", R"({"content":"x\u2028","with_pieces":true})");
  EXPECT_NE(pieces.body.find(R"("piece":"x"})"), std::string::npos);
  if (tokenizer.bytes(fragment).size() < 3) {
    EXPECT_NE(pieces.body.find(R"("piece":[226)"), std::string::npos)
        << pieces.body;
  }
  EXPECT_NE(
      server.post("/tokenize", R"({"content":"x","return_token_strs":true})")
          .body.find(R"("token_strs":["x"])"),
      std::string::npos);
  EXPECT_EQ(server.post("/tokenize", "{}").status, 400);
  EXPECT_EQ(server.post("/tokenize", R"({"content":5})").status, 400);
  // The count of a chat is that of its prompt.
  constexpr const char* kChat =
      R"({"messages":[{"role":"user","content":"a"}]})";
  EXPECT_EQ(
      count(kChat), member(server.post("/apply-template", kChat), "count"));
}

TEST(TextRoutes, Detokenize) {
  TestServer server;
  int32_t x = server.served.tokenizer.find("x").value();
  EXPECT_EQ(
      server.post("/detokenize", "{\"tokens\":[" + std::to_string(x) + "]}")
          .body,
      R"({"content":"x","prompt":"x"})");
  EXPECT_EQ(server.post("/detokenize", R"({"tokens":[99999]})").status, 400);
  EXPECT_EQ(server.post("/detokenize", R"({})").status, 400);
}

TEST(TextRoutes, ApplyTemplate) {
  TestServer server;
  EXPECT_EQ(
      member(
          server.post(
              "/apply-template",
              R"({"messages":[{"role":"user","content":"Hi"}]})"),
          "prompt"),
      R"("<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜><think>")");
  EXPECT_EQ(
      server.post("/apply-template", R"({"messages":[{"role":"x"}]})").status,
      400);
}

}  // namespace
}  // namespace hadal::testing
