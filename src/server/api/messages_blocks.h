// The messages of a Messages request: texts and blocks as chat messages
// (spec/text.md 4.6).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/request_messages.h"

namespace hadal {

// How the signature begins of thinking that was not shown to the client: its
// text follows, as base64.
inline constexpr std::string_view kHiddenThinking = "hadal-thinking:";

struct BlockMessages {
  std::vector<RequestMessage> messages;
  bool has_thinking = false;
};

// The `messages` field. A user's message with results of tools and texts
// becomes tool and user messages in the order of its blocks. Throws
// RequestError.
BlockMessages read_block_messages(
    const JsonValue& body,
    const RequestOptions& options,
    std::vector<std::string>& warnings);

}  // namespace hadal
