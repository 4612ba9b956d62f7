// Conversations as Codex and Claude Code send them (tests/data/server): what
// the model sees, and that each prompt begins with the one before and its
// answer, so that a saved prefix is found.
#include "server/api/family_test_tools.h"
#include "server/api/messages.h"
#include "server/api/responses.h"

namespace hadal {
namespace {

constexpr std::string_view kEnd = "<｜end▁of▁sentence｜>";

using ReadBody =
    std::function<ApiResult<std::unique_ptr<ApiCall>>(const JsonValue& body)>;

std::unique_ptr<ApiCall> call_of(const ReadBody& read, const JsonValue& body) {
  auto call = read(body);
  EXPECT_TRUE(call.has_value()) << told(call.error());
  return std::move(*call);
}

// The prompts of a conversation, with the law between them.
std::vector<std::string> prompts_of(
    const JsonValue& conversation, const ReadBody& read) {
  std::vector<std::string> prompts;
  std::string expected;
  for (const JsonValue& turn : conversation.items()) {
    std::string prompt = prompt_of(*call_of(read, at(turn, "body")));
    EXPECT_TRUE(prompt.starts_with(expected))
        << prompts.size() << "\n"
        << prompt << "\nshould begin with\n"
        << expected;
    prompts.push_back(prompt);
    if (const JsonValue* answer = turn.find("answer"))
      expected = prompt + answer->as_string() + std::string(kEnd);
  }
  return prompts;
}

// Parses the model's text as the server does, and writes the answer.
std::string answer_of(ApiCall& call, const std::string& text) {
  ChatParser parser(call.choices.at(0).parser);
  Events events = parser.push(text);
  ChatEnd end = parser.finish(OutputEnd::stop);
  events.insert(events.end(), end.events.begin(), end.events.end());
  return drive(call, events, end_with(end.finish));
}

TEST(AgentTranscripts, Codex) {
  JsonValue file = read_test_json("server/codex.json");
  ServedModel served = family_model();
  served.info.context = 1 << 20;
  ResponseStore store;
  ReadBody read = [&](const JsonValue& body) {
    return read_responses(body, {}, served, store);
  };
  std::vector<std::string> prompts = prompts_of(at(file, "conversation"), read);
  ASSERT_EQ(prompts.size(), 4u);
  expect_golden("codex_prompt.txt", prompts.back());
  EXPECT_EQ(store.size(), 0u);

  // A conversation without tools, and one with items of other services.
  const JsonValue::Array& single = at(file, "single").items();
  std::string summary = prompt_of(*call_of(read, at(single[0], "body")));
  EXPECT_EQ(summary.find("## Tools"), std::string::npos);
  EXPECT_TRUE(summary.ends_with("resume the task.<｜Assistant｜><think>"));
  std::string switched = prompt_of(*call_of(read, at(single[1], "body")));
  EXPECT_NE(
      switched.find("<｜DSML｜invoke name=\"local_shell\">"),
      std::string::npos);
  EXPECT_EQ(switched.find("gAAAA"), std::string::npos);
}

TEST(AgentTranscripts, CodexReadsItsOwnItemsBack) {
  JsonValue file = read_test_json("server/codex.json");
  ServedModel served = family_model();
  served.info.context = 1 << 20;
  ResponseStore store;
  const JsonValue::Array& turns = at(file, "conversation").items();
  for (size_t i = 0; i + 1 < turns.size(); ++i) {
    ReadBody read = [&](const JsonValue& body) {
      return read_responses(body, {}, served, store);
    };
    auto call = call_of(read, at(turns[i], "body"));
    std::string text = at(turns[i], "answer").as_string();
    std::string stream = answer_of(*call, text);
    // The items of the last event follow the request's own.
    size_t start = stream.rfind("data: ") + 6;
    JsonValue last = json_of(stream.substr(start));
    JsonValue next = at(turns[i], "body");
    JsonValue input = at(next, "input");
    const JsonValue& items = at(at(last, "response"), "output");
    for (const JsonValue& item : items.items())
      input.items().push_back(item);
    for (const JsonValue& item : items.items()) {
      if (item.find("call_id") == nullptr)
        continue;
      JsonValue output = JsonValue::object({});
      output.set("type", JsonValue::string("function_call_output"));
      output.set("call_id", at(item, "call_id"));
      output.set("output", JsonValue::string("done"));
      input.items().push_back(std::move(output));
    }
    JsonValue question = JsonValue::object({});
    question.set("role", JsonValue::string("user"));
    question.set("content", JsonValue::string("next"));
    input.items().push_back(std::move(question));
    next.set("input", std::move(input));
    std::string before = prompt_of(*call_of(read, at(turns[i], "body")));
    std::string after = prompt_of(*call_of(read, next));
    EXPECT_TRUE(after.starts_with(before + text + std::string(kEnd)))
        << after.substr(before.size());
  }
}

TEST(AgentTranscripts, ClaudeCode) {
  JsonValue file = read_test_json("server/claude_code.json");
  ServedModel served = family_model();
  served.info.context = 1 << 20;
  ReadBody read = [&](const JsonValue& body) {
    return read_messages(body, {}, served);
  };
  std::vector<std::string> prompts = prompts_of(at(file, "conversation"), read);
  ASSERT_EQ(prompts.size(), 4u);
  expect_golden("claude_code_prompt.txt", prompts.back());
  EXPECT_EQ(prompts.back().find("billing"), std::string::npos);

  const JsonValue::Array& single = at(file, "single").items();
  auto quota = call_of(read, at(single[0], "body"));
  EXPECT_EQ(quota->choices[0].engine.max_tokens, 1);
  EXPECT_EQ(
      prompt_of(*quota),
      "<｜begin▁of▁sentence｜><｜User｜>quota<｜Assistant｜><think>");
  std::string title = prompt_of(*call_of(read, at(single[1], "body")));
  EXPECT_TRUE(title.ends_with(
      "\"required\": [\"title\"], \"additionalProperties\": false}"
      "<｜User｜>Why does parser_test fail?<｜Assistant｜></think>"))
      << title;
  std::string topic = prompt_of(*call_of(read, at(single[2], "body")));
  EXPECT_TRUE(
      topic.ends_with("<｜User｜>Fix it then.<｜Assistant｜></think>{"));

  // The same request counted and sent.
  JsonValue counted = at(file, "count_tokens");
  auto count = count_message_tokens(counted, served);
  ASSERT_TRUE(count.has_value()) << told(count.error());
  counted.set("max_tokens", JsonValue::number("1"));
  EXPECT_EQ(
      *count,
      "{\"input_tokens\":" +
          std::to_string(
              call_of(read, counted)->choices[0].engine.prompt.size()) +
          "}");
}

}  // namespace
}  // namespace hadal
