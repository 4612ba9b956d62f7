// Chat: messages in, a prompt out; the model's bytes in, reasoning, answer and
// tool calls out.
//
//   hadal::Spans prompt = hadal::encode_chat(messages, {.thinking = ...});
//   hadal::ChatParser parser(hadal::parser_options(messages, {...}));
//   while (...)
//     for (const hadal::ChatEvent& event : parser.push(bytes)) ...
//   hadal::ChatEnd end = parser.finish(hadal::OutputEnd::stop);
//
// Texts are UTF-8. Nothing here needs a model.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hadal/result.h"
#include "hadal/spans.h"

namespace hadal {

// The prompt formats of the model family. A checkpoint does not name its own;
// detect_revision finds it out.
enum class ModelRevision {
  v4,       // April 2026
  v4_0731,  // DeepSeek-V4-Flash-0731, DeepSeek-V4-Pro-0813
  v41,      // known, not supported yet
};

// "v4", "v4-0731", "v4.1".
std::string_view name(ModelRevision revision);
// The reverse. Fails for an unknown name and, with ErrorCode::unsupported, for
// v4.1 and v4-vision.
Result<ModelRevision> revision_from_name(std::string_view name);

// The revision of a checkpoint folder. In this order: `setting` (a name, or
// empty), the key dsv4_reasoning_effort_profile or hadal_revision of
// config.json, the files of the folder encoding/, the token <｜System｜> in
// tokenizer.json, "0731" or "0813" in the folder's name, else v4. Fails as
// revision_from_name; files that are missing or unreadable do not matter.
Result<ModelRevision> detect_revision(
    std::string_view checkpoint_folder, std::string_view setting = "");

enum class Role { system, user, assistant, tool };

// A call of a tool, by the model or in a past turn.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text of an object; "" counts as none

  bool operator==(const ToolCall&) const = default;
};

struct Message {
  Role role = Role::user;
  std::string content;
  std::string reasoning = {};             // assistant
  std::vector<ToolCall> tool_calls = {};  // assistant
  std::string tool_call_id = {};          // tool: the call it answers
};

// How much the model thinks before it answers. What a level prints depends on
// the revision; v4 knows only "as usual" (up to high) and its maximum.
enum class Thinking { none, minimal, low, medium, high, xhigh, max };

// "none", "minimal", ...
std::string_view name(Thinking thinking);

struct ChatOptions {
  ModelRevision revision = ModelRevision::v4;
  Thinking thinking = Thinking::high;
  // A JSON array of tools in the form of OpenAI's API; empty: none.
  std::string tools = {};
  // A JSON schema that the answer must follow; empty: none.
  std::string response_schema = {};
  // Keep the reasoning of all past turns in the prompt, not only the last.
  bool preserve_thinking = false;
  // Continue the last message, which is the assistant's, instead of starting a
  // new answer.
  bool continue_last = false;
  // Control tokens spelled in the messages become control tokens. Only for
  // trusted text.
  bool special_in_content = false;
};

// The prompt of a conversation, up to where the model continues. System
// messages are joined at the front. Throws Error(invalid_argument) for an empty
// list, tools or schema that are not such JSON, continue_last without an
// assistant's last message.
Spans encode_chat(
    std::span<const Message> messages, const ChatOptions& options = {});

// One piece of the parsed output.
struct ChatEvent {
  enum class Kind {
    reasoning,            // `text` continues the reasoning
    content,              // `text` continues the answer
    tool_call_begin,      // call `call` starts: `id`, `name`
    tool_call_arguments,  // `text` continues the JSON of call `call`
    tool_call_end,        // call `call` is complete, its arguments valid JSON
  };
  Kind kind = Kind::content;
  std::string text = {};
  int call = 0;  // 0, 1, ... in order
  std::string id = {};
  std::string name = {};

  bool operator==(const ChatEvent&) const = default;
};

// Why the model stopped writing, as its driver knows it.
enum class OutputEnd { stop, length };

// What a client is told.
enum class ChatFinish { stop, length, tool_calls };
// "stop", "length", "tool_calls".
std::string_view name(ChatFinish finish);

struct ChatEnd {
  std::vector<ChatEvent> events;  // what was held back
  ChatFinish finish = ChatFinish::stop;
};

struct ChatParserOptions {
  // Where the prompt ended.
  enum class Start { reasoning, content, tool_block };
  Start start = Start::content;
  // Keep newlines at the start of the text: the prompt ended within it.
  bool continues_text = false;
  // Recognise tool calls. Without it their markup is plain text.
  bool tools_offered = false;
  // The tools as in ChatOptions; they decide types of unmarked arguments.
  std::string tools = {};
  // Give arguments the type that the tool's schema states where the text
  // allows it, though the model marked them as strings.
  bool coerce_arguments = false;
  // End after the first call (parallel_tool_calls: false).
  bool single_call = false;
  // Texts that end the answer; they are not part of it. Reasoning and tool
  // calls are not searched.
  std::vector<std::string> stop = {};
  // Makes the id of a call. Default: "call_" and 24 random characters.
  std::function<std::string()> make_call_id = {};
};

// The parser's options that fit the prompt of encode_chat with the same
// arguments. Throws as it does.
ChatParserOptions parser_options(
    std::span<const Message> messages, const ChatOptions& options = {});

// Parses the output of the model as it arrives. Output that is not as trained
// is read as well as it can be, and never fails; the rules stand in
// docs/tool-calls.md. The events do not depend on how the bytes were cut, but
// for how text is divided among them. Every text is whole UTF-8 characters;
// invalid bytes become U+FFFD. One thread at a time.
class ChatParser {
 public:
  // Throws Error(invalid_argument) when `tools` is not a JSON array of tools or
  // a stop string is empty or not UTF-8.
  explicit ChatParser(const ChatParserOptions& options = {});
  ~ChatParser();
  ChatParser(ChatParser&&) noexcept;
  ChatParser& operator=(ChatParser&&) noexcept;

  std::vector<ChatEvent> push(std::string_view bytes);

  // True when nothing that follows can matter: a stop string was found or the
  // calls are complete. Generation should stop.
  bool done() const;

  // The end of the output. A call that `length` cut gets no tool_call_end.
  // Call it once, last.
  ChatEnd finish(OutputEnd end);

  // Blocks that looked like tool calls and were given back as text.
  int unparsed_blocks() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A whole answer.
struct ChatAnswer {
  std::string reasoning;
  std::string content;
  std::vector<ToolCall> tool_calls;  // complete ones only
  ChatFinish finish = ChatFinish::stop;
};

// Puts an answer together from its events.
class ChatAnswerBuilder {
 public:
  void add(std::span<const ChatEvent> events);
  // The answer so far, without an unfinished call.
  ChatAnswer take(ChatFinish finish);

 private:
  ChatAnswer answer_;
  size_t complete_calls_ = 0;
};

}  // namespace hadal
