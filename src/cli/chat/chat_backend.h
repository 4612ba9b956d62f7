// Who answers in hadal chat: a model in this process, or a server.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "cli/chat_flags.h"
#include "cli/sampling_flags.h"
#include "hadal/chat.h"
#include "hadal/model.h"

namespace hadal::cli {

class ChatBackend {
 public:
  virtual ~ChatBackend() = default;
  // Of the model, for the greeting.
  virtual std::string name() const = 0;
  // Prints the answer while it comes, and its speed. When `stop` is requested
  // the answer ends where it is. Throws Error.
  virtual ChatAnswer answer(
      std::span<const Message> messages,
      Thinking thinking,
      std::stop_token stop) = 0;
};

// Each turn computes only what the session does not have yet.
std::unique_ptr<ChatBackend> local_chat(
    const ModelOptions& model,
    const ChatFlags& chat,
    const SamplingFlags& sampling);

struct RemoteChatFlags {
  std::string url;
  std::string api_key;
  std::string model;  // empty: the first that the server lists
};

// Any server with /v1/chat/completions. Throws Error when it cannot be reached.
std::unique_ptr<ChatBackend> remote_chat(
    const RemoteChatFlags& remote,
    const ChatFlags& chat,
    const SamplingFlags& sampling);

}  // namespace hadal::cli
