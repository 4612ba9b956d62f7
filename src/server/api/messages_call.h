// The answer of one Messages request: content blocks, streamed in the order of
// spec/text.md 4.6, or whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/api/api_call.h"

namespace hadal {

struct MessagesSettings {
  std::string id;  // "msg_..."
  std::string model;
  bool stream = false;
  // Thinking is told only inside the signature that brings it back.
  bool hide_thinking = false;
};

class MessagesCall : public ApiCall {
 public:
  explicit MessagesCall(MessagesSettings settings)
      : settings_(std::move(settings)) {}

  bool streams() const override { return settings_.stream; }
  // message_start tells how much of the prompt was cached, so it waits until
  // that is known; pings keep the client until then.
  std::string started(size_t choice, const EngineStart& start) override;
  std::string update(
      size_t choice,
      std::span<const ChatEvent> events,
      std::span<const TokenInfo> tokens) override;
  std::string end_choice(size_t choice, const ChoiceEnd& end) override;
  std::string finish() override;
  std::string fail(const ApiError& error) override;
  std::string keep_alive(int64_t done, int64_t total) override;

 private:
  struct Block {
    enum class Kind { thinking, text, tool_use };
    Kind kind = Kind::text;
    std::string text;  // of tool_use: the JSON of its input
    std::string id;    // tool_use
    std::string name;  // tool_use
  };

  void take(const ChatEvent& event);
  void take_text(Block::Kind kind, const std::string& text);
  void open(Block block);
  void close();

  void send(std::string_view type, std::string_view members);
  void send_delta(
      std::string_view type, std::string_view key, std::string_view text);
  std::string signature(const Block& block) const;
  std::string block_json(const Block& block, bool whole) const;
  std::string usage_json() const;
  std::string stop_members() const;
  std::string message_json(
      const std::vector<std::string>& content,
      std::string_view stop_members) const;

  MessagesSettings settings_;
  std::vector<Block> blocks_;
  bool open_ = false;  // the last block has no end yet
  int64_t prompt_tokens_ = 0;
  int64_t cached_tokens_ = 0;
  std::optional<ChoiceEnd> end_;
  std::string pending_;
};

}  // namespace hadal
