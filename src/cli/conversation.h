// A conversation and its file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hadal/chat.h"

namespace hadal::cli {

struct Conversation {
  std::string system;
  std::vector<Message> messages;  // user and assistant, without the system's

  // All messages, as the encoder takes them.
  std::vector<Message> prompt() const;
};

// Writes {"format": "hadal-chat-1", "system", "messages": [{"role", "content",
// "reasoning_content"}]}, whole or not at all. Throws Error(io).
void save_conversation(
    const Conversation& conversation, const std::filesystem::path& path);

// Reads such a file. Throws Error: not_found, io, corrupt with the field that
// is wrong.
Conversation load_conversation(const std::filesystem::path& path);

}  // namespace hadal::cli
