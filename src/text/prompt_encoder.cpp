// Printing the messages: what each role writes, and the header that follows.
#include "text/prompt_encoder.h"

#include <fmt/format.h>

#include <array>

#include "text/prompt_sections.h"
#include "text/prompt_steps.h"

namespace hadal {
namespace {

constexpr std::array<std::string_view, 6> kQuickTasks = {
    "action", "query", "authority", "domain", "title", "read_url"};

Failure invalid(
    const ChatMessage& message, std::string_view field, std::string text) {
  return {
      ErrorCode::invalid_argument,
      std::move(text),
      fmt::format("messages[{}].{}", message.index, field)};
}

class PromptEncoder {
 public:
  PromptEncoder(
      std::vector<ChatMessage> messages,
      const EncodeOptions& options,
      bool drop_thinking)
      : messages_(std::move(messages)),
        options_(options),
        format_(prompt_format(options.revision)),
        drop_thinking_(drop_thinking),
        last_turn_(last_turn_start(messages_, options.separate_assistants)),
        writer_(options.special_in_content) {}

  // Prints the messages from index `first` on.
  Result<Spans> run(size_t first, std::string_view effort) {
    if (options_.add_bos && options_.context.empty())
      writer_.write(kBeginOfSentence);
    for (size_t i = first; i < messages_.size(); ++i) {
      if (i == 0)
        write_start(effort);
      if (std::optional<Failure> failure = write_message(i))
        return *failure;
      if (std::optional<Failure> failure = write_what_follows(i))
        return *failure;
    }
    write_end();
    return writer_.take();
  }

 private:
  // Between BOS and the first message.
  void write_start(std::string_view effort) {
    if (!effort.empty() || messages_[0].role == ChatRole::system)
      writer_.write(format_.system_token);
    writer_.write(effort);
  }

  std::optional<Failure> write_message(size_t i) {
    const ChatMessage& message = messages_[i];
    switch (message.role) {
      case ChatRole::system:
        if (i > 0)
          writer_.write(format_.system_token);
        write_instructions(message);
        return std::nullopt;
      case ChatRole::developer:
        if (message.content.empty())
          return invalid(
              message, "content", "a developer message must have content");
        writer_.write(kUserToken);
        write_instructions(message);
        return std::nullopt;
      case ChatRole::user:
        writer_.write(kUserToken);
        write_blocks(message);
        return std::nullopt;
      case ChatRole::assistant:
        write_assistant(i);
        return std::nullopt;
      case ChatRole::latest_reminder:
        writer_.write(kReminderToken);
        writer_.write_content(message.content);
        return std::nullopt;
      case ChatRole::tool:
      case ChatRole::other:
        break;
    }
    return invalid(
        message,
        "role",
        fmt::format(
            "unknown role '{}'; expected system, developer, user, assistant, "
            "tool or latest_reminder",
            message.role_name));
  }

  void write_instructions(const ChatMessage& message) {
    writer_.write_content(message.content);
    if (!message.tools.empty()) {
      writer_.write("\n\n");
      write_tools_section(writer_, format_, message.tools);
    }
    if (message.answer_format.kind != AnswerFormat::Kind::any) {
      writer_.write("\n\n");
      write_format_section(writer_, message.answer_format);
    }
  }

  void write_blocks(const ChatMessage& message) {
    std::string_view separator;
    for (const ContentBlock& block : message.blocks) {
      writer_.write(separator);
      separator = "\n\n";
      if (block.kind == ContentBlock::Kind::text) {
        writer_.write_content(block.text);
        continue;
      }
      writer_.write("<tool_result>");
      if (options_.escape_tool_results)
        writer_.write_content(escape_result_ends(block.text));
      else
        writer_.write_content(block.text);
      writer_.write("</tool_result>");
    }
  }

  // Whether an assistant message at this index shows its reasoning.
  bool shows_reasoning(size_t i) const {
    bool after_task = i > 0 && messages_[i - 1].task.has_value();
    return options_.thinking && !after_task &&
           (!drop_thinking_ || static_cast<ptrdiff_t>(i) > last_turn_);
  }

  void write_assistant(size_t i) {
    const ChatMessage& message = messages_[i];
    if (options_.separate_assistants && !header_open_)
      write_header(shows_reasoning(i));
    header_open_ = false;
    if (shows_reasoning(i)) {
      if (message.raw_reasoning.empty())
        writer_.write_content(message.reasoning);
      else
        writer_.write(message.raw_reasoning);
      if (message.end == TurnEnd::open_reasoning)
        return;
      writer_.write(kThinkClose);
    }
    if (message.raw_answer.empty())
      write_answer(message);
    else
      writer_.write(message.raw_answer);
    if (message.end == TurnEnd::closed)
      writer_.write(kEndOfSentence);
  }

  void write_answer(const ChatMessage& message) {
    writer_.write_content(message.content);
    if (!message.tool_calls.empty()) {
      writer_.write("\n\n");
      write_tool_calls(writer_, format_, message.tool_calls);
    }
  }

  void write_header(bool thinking) {
    writer_.write(kAssistantToken);
    writer_.write(thinking ? kThinkOpen : kThinkClose);
    header_open_ = true;
  }

  // The header rule (2.10): it belongs to the message before an assistant's.
  std::optional<Failure> write_what_follows(size_t i) {
    const ChatMessage& message = messages_[i];
    bool is_last = i + 1 == messages_.size();
    if (is_last && !options_.generation_header)
      return std::nullopt;
    if (!is_last && messages_[i + 1].role != ChatRole::assistant &&
        messages_[i + 1].role != ChatRole::latest_reminder)
      return std::nullopt;
    if (message.task)
      return write_task(message);
    bool old = drop_thinking_ && static_cast<ptrdiff_t>(i) < last_turn_;
    if (message.role == ChatRole::user || message.role == ChatRole::developer)
      write_header(options_.thinking && !old);
    return std::nullopt;
  }

  std::optional<Failure> write_task(const ChatMessage& message) {
    if (!is_quick_task(*message.task))
      return invalid(
          message,
          "task",
          fmt::format(
              "unknown task '{}'; expected one of {}",
              *message.task,
              quick_task_names()));
    if (*message.task == "action")
      write_header(options_.thinking);
    writer_.write(fmt::format("<｜{}｜>", *message.task));
    header_open_ = true;
    return std::nullopt;
  }

  void write_end() {
    bool continues = !messages_.empty() &&
                     messages_.back().role == ChatRole::assistant &&
                     messages_.back().end != TurnEnd::closed;
    if (options_.separate_assistants && options_.generation_header &&
        !continues && !header_open_)
      write_header(options_.thinking);
    if (options_.open_tool_block)
      writer_.write("\n\n" + tool_block_opening(format_));
  }

  std::vector<ChatMessage> messages_;
  const EncodeOptions& options_;
  const PromptFormat& format_;
  bool drop_thinking_;
  ptrdiff_t last_turn_;
  PromptWriter writer_;
  // An assistant header (or task token) waits for its assistant message.
  bool header_open_ = false;
};

}  // namespace

Result<Spans> encode_prompt(
    std::span<const ChatMessage> messages, const EncodeOptions& options) {
  std::string_view effort;
  if (options.effort) {
    std::optional<std::string_view> known =
        effort_text(prompt_format(options.revision), *options.effort);
    if (!known)
      return Failure{
          ErrorCode::invalid_argument,
          fmt::format(
              "reasoning effort '{}' does not exist in revision {}",
              *options.effort,
              name(options.revision)),
          "reasoning_effort"};
    effort = options.thinking ? *known : "";
  }

  CallOrder order;
  std::vector<ChatMessage> all = merge_user_turns(options.context);
  order_tool_results(all, order);
  std::vector<ChatMessage> added = merge_user_turns(messages);
  order_tool_results(added, order);
  size_t first = all.size();
  for (ChatMessage& message : added)
    all.push_back(std::move(message));

  bool drop = options.thinking && options.drop_thinking && !any_tools(all);
  if (drop)
    first = drop_old_reasoning(all, first, options.separate_assistants);
  return PromptEncoder(std::move(all), options, drop).run(first, effort);
}

Spans encode_fill_in_middle(
    std::string_view prefix, std::string_view suffix, bool special_in_content) {
  PromptWriter writer(special_in_content);
  writer.write(kBeginOfSentence);
  writer.write("<｜fim▁begin｜>");
  writer.write_content(prefix);
  writer.write("<｜fim▁hole｜>");
  writer.write_content(suffix);
  writer.write("<｜fim▁end｜>");
  return writer.take();
}

Spans encode_raw(std::string_view text, bool add_bos) {
  PromptWriter writer(true);
  if (add_bos && !text.starts_with(kBeginOfSentence))
    writer.write(kBeginOfSentence);
  writer.write_content(text);
  return writer.take();
}

bool is_quick_task(std::string_view name) {
  for (std::string_view task : kQuickTasks)
    if (task == name)
      return true;
  return false;
}

std::string_view quick_task_names() {
  return "action, query, authority, domain, title, read_url";
}

}  // namespace hadal
