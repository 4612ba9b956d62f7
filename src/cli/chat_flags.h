// The flags that shape a chat prompt.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hadal/chat.h"

namespace CLI {
class App;
}

namespace hadal::cli {

struct ChatFlags {
  std::string system;
  Thinking thinking = Thinking::none;
  std::string tools_file;
  std::string revision;  // empty: found out from the checkpoint
};

// --system, --thinking, --tools, --revision.
std::shared_ptr<ChatFlags> add_chat_flags(CLI::App& app);

// Reads the file of tools and finds out the revision. Throws Error.
ChatOptions chat_options(
    const ChatFlags& flags, const std::filesystem::path& checkpoint);

// "none", "minimal", ..., joined by commas for messages.
std::string thinking_words();
// Empty for any other word.
std::optional<Thinking> thinking_from(std::string_view word);

}  // namespace hadal::cli
