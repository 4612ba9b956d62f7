// Generated turns that outlive the process.
#include "server/api/replay_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "checkpoint/testing/temporary_directory.h"
#include "server/api/replay_store.h"
#include "text/spans.h"

namespace hadal {
namespace {

constexpr size_t kRoom = size_t{1} << 20;

ReplayTurn turn_of(std::string id, size_t bytes = 3) {
  ReplayTurn turn;
  turn.reasoning = "why\n\xff";
  turn.content = "";
  turn.calls = {
      {std::move(id), "f", R"({"a": 1})"},
      {"second", "g", std::string(bytes, 'x')}};
  turn.raw_reasoning = {{"why", false}, {"<think>", true}};
  turn.raw_answer = {{"<call>", true}, {std::string("a\0b", 3), false}};
  return turn;
}

std::string text_of(const std::optional<ReplayTurn>& turn) {
  return turn ? turn_text(*turn) : "none";
}

TEST(ReplayFile, ATextIsReadBackOrNotAtAll) {
  const std::string text = turn_text(turn_of("c"));
  EXPECT_EQ(text_of(parse_turn(text)), text);
  for (size_t at = 0; at < text.size(); ++at) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(parse_turn(damaged)) << at;
    EXPECT_FALSE(parse_turn(text.substr(0, at))) << at;
  }
}

TEST(ReplayFile, TurnsAreThereAfterARestart) {
  testing::TemporaryDirectory folder;
  const auto path = folder.path() / "replay.sqlite";
  {
    ReplayFile file(path, kRoom);
    file.put(turn_of("a"));
    EXPECT_EQ(text_of(file.find("a")), turn_text(turn_of("a")));
    EXPECT_FALSE(file.find("second"));
  }
  ReplayFile file(path, kRoom);
  EXPECT_EQ(text_of(file.find("a")), turn_text(turn_of("a")));
  file.put(turn_of("a", 100));
  EXPECT_EQ(text_of(file.find("a")), turn_text(turn_of("a", 100)));
}

TEST(ReplayFile, TheOldestGo) {
  testing::TemporaryDirectory folder;
  const auto path = folder.path() / "replay.sqlite";
  constexpr int kTurns = 256;
  {
    ReplayFile file(path, 100'000);
    for (int i = 0; i < kTurns; ++i)
      file.put(turn_of(std::to_string(i), 3'000));
  }
  ReplayFile file(path, 100'000);
  EXPECT_TRUE(file.find(std::to_string(kTurns - 1)));
  int kept = 0;
  for (int i = 0; i < kTurns; ++i)
    kept += file.find(std::to_string(i)).has_value() ? 1 : 0;
  EXPECT_GT(kept, 15);
  EXPECT_LT(kept, 30) << "4,000 bytes each";
  EXPECT_FALSE(file.find("0"));
}

TEST(ReplayFile, ABrokenFileIsPutAside) {
  testing::TemporaryDirectory folder;
  const auto path = folder.path() / "replay.sqlite";
  std::ofstream(path) << std::string(5'000, 'x');
  {
    ReplayFile file(path, kRoom);
    EXPECT_FALSE(file.find("a"));
    file.put(turn_of("a"));
  }
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "replay.sqlite.damaged"));
  EXPECT_TRUE(ReplayFile(path, kRoom).find("a"));
}

// What memory has forgotten, or never knew, comes from the file.
TEST(ReplayFile, TheStoreLooksIntoIt) {
  testing::TemporaryDirectory folder;
  const auto path = folder.path() / "replay.sqlite";
  ReplayStore(kRoom, std::make_unique<ReplayFile>(path, kRoom))
      .remember(turn_of("a"));
  ReplayStore store(kRoom, std::make_unique<ReplayFile>(path, kRoom));
  ChatMessage message;
  message.role = ChatRole::assistant;
  for (const ToolCall& call : turn_of("a").calls)
    message.tool_calls.push_back(
        {call.id, call.name, JsonValue::string(call.arguments)});
  std::vector<ChatMessage> messages = {message};
  store.restore(messages);
  EXPECT_EQ(messages[0].reasoning, turn_of("a").reasoning);
  EXPECT_EQ(joined(messages[0].raw_answer), joined(turn_of("a").raw_answer));
  EXPECT_EQ(store.turns(), 1U);
}

}  // namespace
}  // namespace hadal
