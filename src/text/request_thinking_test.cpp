// Thinking on or off, and the effort: every field, their order, every level in
// every revision.
#include "text/request_thinking.h"

#include <gtest/gtest.h>

#include "text/render_request.h"
#include "text/spans.h"

namespace hadal {
namespace {

ChatRequest read(std::string_view fields, const RequestOptions& options = {}) {
  std::string json = R"({"messages":[{"role":"user","content":"q"}])";
  json += fields.empty() ? "" : ",";
  json += fields;
  json += "}";
  Result<ChatRequest> request =
      read_chat_request(parse_json(json).value(), options);
  EXPECT_TRUE(request.has_value()) << fields;
  return request.value();
}

std::string level(std::string_view fields) {
  return read(fields).level;
}

TEST(RequestThinking, OnByDefaultWithHighEffort) {
  EXPECT_TRUE(read("").thinking);
  EXPECT_EQ(level(""), "high");
}

TEST(RequestThinking, EverySwitch) {
  for (const char* off :
       {R"("thinking":{"type":"disabled"})",
        R"("thinking":false)",
        R"("think":false)",
        R"("think":"none")",
        R"("reasoning_effort":"none")",
        R"("output_config":{"effort":"none"})",
        R"("reasoning":{"effort":"none"})",
        R"("chat_template_kwargs":{"thinking":false})",
        R"("chat_template_kwargs":{"enable_thinking":false})",
        R"("chat_template_kwargs":{"reasoning_effort":"none"})",
        R"("model":"deepseek-chat")"}) {
    EXPECT_FALSE(read(off).thinking) << off;
    EXPECT_EQ(level(off), "none") << off;
  }
  for (const char* on :
       {R"("thinking":{"type":"enabled"})",
        R"("thinking":{"type":"adaptive"})",
        R"("thinking":{"budget_tokens":5})",
        R"("thinking":true)",
        R"("think":true)",
        R"("chat_template_kwargs":{"thinking":true})",
        R"("model":"deepseek-reasoner")",
        R"("model":"deepseek-chat","think":true)",
        R"("model":"deepseek-chat","reasoning_effort":"high")"}) {
    EXPECT_TRUE(read(on).thinking) << on;
    EXPECT_EQ(level(on), "high") << on;
  }
}

TEST(RequestThinking, EveryLevelField) {
  for (const char* field :
       {R"("reasoning_effort":"max")",
        R"("output_config":{"effort":"max"})",
        R"("reasoning":{"effort":"max"})",
        R"("chat_template_kwargs":{"reasoning_effort":"max"})",
        R"("think":"max")"})
    EXPECT_EQ(level(field), "max") << field;
}

TEST(RequestThinking, Priorities) {
  EXPECT_FALSE(read(R"("thinking":{"type":"disabled"},"think":true,
                       "reasoning_effort":"max")")
                   .thinking);
  EXPECT_EQ(
      level(R"("thinking":{"type":"enabled"},"reasoning_effort":"none")"),
      "high");
  EXPECT_TRUE(read(R"("think":true,"chat_template_kwargs":{"thinking":false})")
                  .thinking);
  EXPECT_EQ(
      level(R"("reasoning_effort":"low","output_config":{"effort":"max"})"),
      "low");
  EXPECT_EQ(
      level(R"("output_config":{"effort":"low"},"reasoning":{"effort":"max"})"),
      "low");
}

TEST(RequestThinking, UnknownWordsGetTheDefaultAndAWarning) {
  ChatRequest request = read(R"("reasoning_effort":"colossal")");
  EXPECT_TRUE(request.thinking);
  EXPECT_EQ(request.level, "high");
  ASSERT_EQ(request.warnings.size(), 1u);
  EXPECT_TRUE(request.warnings[0].starts_with("reasoning_effort 'colossal'"));
  request = read(R"("thinking":{"type":"auto"})");
  EXPECT_TRUE(request.thinking);
  ASSERT_EQ(request.warnings.size(), 1u);
  EXPECT_TRUE(request.warnings[0].starts_with("thinking.type 'auto'"));
}

TEST(RequestThinking, WrongTypesAreRefused) {
  auto refused = [](std::string_view fields, std::string_view field) {
    std::string json =
        R"({"messages":[{"role":"user"}],)" + std::string(fields) + "}";
    Result<ChatRequest> request =
        read_chat_request(parse_json(json).value(), {});
    ASSERT_FALSE(request.has_value()) << fields;
    EXPECT_EQ(request.error().field, field);
  };
  refused(R"("thinking":"on")", "thinking");
  refused(R"("thinking":{"type":1})", "thinking.type");
  refused(R"("think":1)", "think");
  refused(R"("reasoning_effort":3)", "reasoning_effort");
  refused(R"("output_config":[])", "output_config");
  refused(R"("output_config":{"effort":1})", "output_config.effort");
  refused(R"("reasoning":"high")", "reasoning");
  refused(
      R"("chat_template_kwargs":{"thinking":"yes"})",
      "chat_template_kwargs.thinking");
}

// The table of the resulting texts: none, A or B.
TEST(RequestThinking, TextOfEveryLevel) {
  struct Row {
    const char* level;
    char v4;
    char v4_0731;
  };
  for (Row row :
       {Row{"minimal", '-', '-'},
        Row{"low", '-', '-'},
        Row{"medium", '-', 'A'},
        Row{"high", '-', 'A'},
        Row{"xhigh", 'A', 'A'},
        Row{"max", 'A', 'B'},
        Row{"ultra", 'A', 'B'}}) {
    std::string json = R"({"messages":[{"role":"user","content":"q"}],
        "reasoning_effort":")" +
                       std::string(row.level) + "\"}";
    for (ModelRevision revision : {ModelRevision::v4, ModelRevision::v4_0731}) {
      RequestOptions options;
      options.revision = revision;
      std::string prompt = joined(render_request(json, options).value().spans);
      char text = '-';
      if (prompt.find("Absolute maximum") != std::string::npos)
        text = 'A';
      if (prompt.find("Beyond maximum") != std::string::npos)
        text = 'B';
      EXPECT_EQ(text, revision == ModelRevision::v4 ? row.v4 : row.v4_0731)
          << row.level << " in " << name(revision);
    }
  }
}

TEST(RequestThinking, MaximumInASmallContextIsKeptWithAWarning) {
  RequestOptions options;
  options.context_tokens = 393'215;
  ChatRequest request = read(R"("reasoning_effort":"max")", options);
  EXPECT_EQ(request.effort_word, "max");
  ASSERT_EQ(request.warnings.size(), 1u);
  EXPECT_NE(request.warnings[0].find("393216"), std::string::npos);
  options.context_tokens = 393'216;
  EXPECT_TRUE(read(R"("reasoning_effort":"max")", options).warnings.empty());
  options.context_tokens = 4'096;
  EXPECT_TRUE(read("", options).warnings.empty());
}

}  // namespace
}  // namespace hadal
