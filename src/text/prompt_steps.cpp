// The steps on the message list, in the order in which the encoder takes them.
#include "text/prompt_steps.h"

#include <algorithm>

namespace hadal {
namespace {

bool starts_turn(const ChatMessage& message) {
  return message.role == ChatRole::user || message.role == ChatRole::developer;
}

ChatMessage user_turn(const ChatMessage& source, ContentBlock block) {
  ChatMessage turn;
  turn.role = ChatRole::user;
  turn.role_name = "user";
  turn.index = source.index;
  turn.blocks.push_back(std::move(block));
  return turn;
}

// Puts the tool results of one turn into call order. They swap places with each
// other only; text blocks keep theirs.
void order_results(std::vector<ContentBlock>& blocks, const CallOrder& order) {
  std::vector<size_t> slots;
  std::vector<ContentBlock> results;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].kind == ContentBlock::Kind::tool_result) {
      slots.push_back(i);
      results.push_back(std::move(blocks[i]));
    }
  }
  auto position = [&order](const ContentBlock& block) {
    auto found = order.find(block.tool_call_id);
    return found == order.end() ? size_t{0} : found->second;
  };
  std::stable_sort(
      results.begin(),
      results.end(),
      [&position](const ContentBlock& a, const ContentBlock& b) {
        return position(a) < position(b);
      });
  for (size_t i = 0; i < slots.size(); ++i)
    blocks[slots[i]] = std::move(results[i]);
}

}  // namespace

std::vector<ChatMessage> merge_user_turns(
    std::span<const ChatMessage> messages) {
  std::vector<ChatMessage> merged;
  for (const ChatMessage& message : messages) {
    bool after_user = !merged.empty() && merged.back().role == ChatRole::user;
    if (message.role == ChatRole::tool) {
      ContentBlock block = {
          ContentBlock::Kind::tool_result,
          message.content,
          message.tool_call_id};
      if (after_user)
        merged.back().blocks.push_back(std::move(block));
      else
        merged.push_back(user_turn(message, std::move(block)));
    } else if (message.role == ChatRole::user) {
      ContentBlock block = {ContentBlock::Kind::text, message.content, ""};
      if (after_user && !merged.back().task) {
        merged.back().blocks.push_back(std::move(block));
      } else {
        merged.push_back(user_turn(message, std::move(block)));
        merged.back().task = message.task;
        merged.back().end = message.end;
      }
    } else {
      merged.push_back(message);
    }
  }
  return merged;
}

void order_tool_results(std::vector<ChatMessage>& messages, CallOrder& order) {
  for (ChatMessage& message : messages) {
    if (message.role == ChatRole::assistant && !message.tool_calls.empty()) {
      order.clear();
      for (size_t i = 0; i < message.tool_calls.size(); ++i)
        if (!message.tool_calls[i].id.empty())
          order[message.tool_calls[i].id] = i;
    } else if (message.role == ChatRole::user && !order.empty()) {
      order_results(message.blocks, order);
    }
  }
}

bool any_tools(std::span<const ChatMessage> messages) {
  return std::any_of(
      messages.begin(), messages.end(), [](const ChatMessage& message) {
        return !message.tools.empty();
      });
}

ptrdiff_t last_turn_start(
    std::span<const ChatMessage> messages, bool separate_assistants) {
  for (size_t i = messages.size(); i-- > 0;) {
    const ChatMessage& message = messages[i];
    bool past_turn = separate_assistants &&
                     message.role == ChatRole::assistant &&
                     message.end == TurnEnd::closed;
    if (starts_turn(message) || past_turn)
      return static_cast<ptrdiff_t>(i);
  }
  return -1;
}

size_t drop_old_reasoning(
    std::vector<ChatMessage>& messages,
    size_t count,
    bool separate_assistants) {
  ptrdiff_t last = last_turn_start(messages, separate_assistants);
  std::vector<ChatMessage> kept;
  size_t kept_of_count = 0;
  for (size_t i = 0; i < messages.size(); ++i) {
    ChatMessage& message = messages[i];
    bool old = static_cast<ptrdiff_t>(i) < last;
    bool goes = message.role == ChatRole::developer ||
                (message.role == ChatRole::other &&
                 message.role_name != "direct_search_results");
    if (old && goes)
      continue;
    if (old && message.role == ChatRole::assistant)
      message.reasoning.clear();
    kept.push_back(std::move(message));
    if (i < count)
      kept_of_count = kept.size();
  }
  messages = std::move(kept);
  return kept_of_count;
}

}  // namespace hadal
