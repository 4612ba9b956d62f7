#include "cli/conversation.h"

#include <gtest/gtest.h>

#include "checkpoint/testing/temporary_directory.h"

namespace hadal::cli {
namespace {

using testing::error_of;
using testing::read_text;
using testing::TemporaryDirectory;
using testing::write_text;

TEST(Conversation, ComesBackAsItWasSaved) {
  const TemporaryDirectory folder;
  Conversation saved{.system = "Be \"brief\".\n"};
  saved.messages.push_back({Role::user, "Grüße, 世界"});
  saved.messages.push_back(
      {.role = Role::assistant, .content = "Hi", .reasoning = "a greeting"});
  save_conversation(saved, folder / "chat.json");
  const Conversation loaded = load_conversation(folder / "chat.json");
  EXPECT_EQ(loaded.system, saved.system);
  ASSERT_EQ(loaded.messages.size(), 2U);
  EXPECT_EQ(loaded.messages[0].role, Role::user);
  EXPECT_EQ(loaded.messages[0].content, "Grüße, 世界");
  EXPECT_EQ(loaded.messages[1].role, Role::assistant);
  EXPECT_EQ(loaded.messages[1].reasoning, "a greeting");
  const std::vector<Message> prompt = loaded.prompt();
  ASSERT_EQ(prompt.size(), 3U);
  EXPECT_EQ(prompt[0].role, Role::system);
}

TEST(Conversation, SaysWhatIsWrongWithAFile) {
  const TemporaryDirectory folder;
  const std::filesystem::path path = folder / "chat.json";
  const auto error = [&path](const std::string& text) {
    write_text(path, text);
    return error_of([&path] { load_conversation(path); });
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(error("not JSON"), "hadal-chat-1"));
  EXPECT_TRUE(has(error("[]"), "hadal-chat-1"));
  EXPECT_TRUE(has(error("{\"format\": \"other\"}"), "hadal-chat-1"));
  const std::string start = "{\"format\": \"hadal-chat-1\", ";
  EXPECT_TRUE(has(error(start + "\"messages\": 1}"), "messages"));
  EXPECT_TRUE(
      has(error(start + "\"messages\": [{\"role\": \"tool\"}]}"),
          "messages[0].role: found \"tool\""));
  EXPECT_TRUE(has(
      error(start + "\"messages\": [{\"role\": \"user\", \"content\": 5}]}"),
      "messages[0].content: found 5"));
  EXPECT_TRUE(has(
      error_of([&] { load_conversation(folder / "none.json"); }), "not_found"));
}

}  // namespace
}  // namespace hadal::cli
