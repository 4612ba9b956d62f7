// Shows a model's answer while it is made.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hadal/chat.h"
#include "hadal/generate.h"

namespace hadal::cli {

// The answer goes to stdout, its reasoning and tool calls to stderr (dimmed on
// a terminal), each at once. Silent: collects only.
class AnswerPrinter {
 public:
  // The output of a chat prompt. Stop texts belong in the options: they end the
  // answer, but not its reasoning.
  AnswerPrinter(const ChatParserOptions& options, bool silent);
  // Output as it is, control tokens included.
  explicit AnswerPrinter(bool silent);

  void push(std::string_view text);
  // What another parser has made of the output (a server's): with the second
  // constructor.
  void push(const ChatEvent& event);
  // True when a stop text was met and nothing more is wanted.
  bool done() const { return parser_ && parser_->done(); }
  // The end: what was held back, and a last newline.
  void finish(FinishReason reason);
  void finish(ChatFinish reason);  // of pushed events

  // After finish(). In raw output all text counts as content.
  const ChatAnswer& answer() const { return answer_; }

 private:
  enum class Stream { none, answer, talk };

  void show(const ChatEvent& event);
  void write(Stream stream, std::string_view text);
  void end_line();

  std::optional<ChatParser> parser_;
  ChatAnswerBuilder builder_;
  ChatAnswer answer_;
  bool silent_;
  bool dim_;  // the talk on a terminal
  Stream last_ = Stream::none;
  bool at_line_start_ = true;
};

}  // namespace hadal::cli
