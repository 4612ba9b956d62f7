// What happens to the list of messages before it is printed: tool results and
// neighbouring user messages become one user turn, results follow the order of
// their calls, old reasoning goes (spec/text.md 2.3 and 2.9).
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "text/chat_message.h"

namespace hadal {

// Step 1. A tool message becomes a block of the user turn before it; a user
// message joins the user turn before it unless that has a task. Of a user
// message only task and end survive.
std::vector<ChatMessage> merge_user_turns(
    std::span<const ChatMessage> messages);

// Call id -> position of the call in its assistant message.
using CallOrder = std::map<std::string, size_t>;

// Step 2. Sorts the tool results of each user turn by the calls of the last
// assistant message that had some. `order` is what earlier messages left
// behind, and is updated; an unknown id counts as the first call.
void order_tool_results(std::vector<ChatMessage>& messages, CallOrder& order);

bool any_tools(std::span<const ChatMessage> messages);

// Index of the last user or developer message, -1 without one. With
// `separate_assistants` a closed assistant message that has no user turn behind
// it counts too: it is a turn of the past.
ptrdiff_t last_turn_start(
    std::span<const ChatMessage> messages, bool separate_assistants);

// Step 3, when nothing forbids it. Before the last turn's start, assistant
// messages lose their reasoning, and developer and unknown messages go. Returns
// how many of the first `count` messages are left.
size_t drop_old_reasoning(
    std::vector<ChatMessage>& messages, size_t count, bool separate_assistants);

}  // namespace hadal
