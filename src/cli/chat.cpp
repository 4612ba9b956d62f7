// hadal chat: a conversation, with a model of its own (chat/local_chat.cpp) or
// with a server's (chat/remote_chat.cpp).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "base/interrupt.h"
#include "cli/chat/chat_backend.h"
#include "cli/chat_flags.h"
#include "cli/conversation.h"
#include "cli/exit_codes.h"
#include "cli/line_editor.h"
#include "cli/model_flags.h"
#include "cli/read_text.h"
#include "cli/sampling_flags.h"
#include "cli/verbs.h"
#include "hadal/error.h"

namespace hadal::cli {
namespace {

constexpr const char* kHelp =
    "/help             this list\n"
    "/reset            forget the conversation\n"
    "/save FILE        write the conversation to a file\n"
    "/load FILE        go on with one that was written\n"
    "/system [TEXT]    show or set the system message\n"
    "/thinking [WORD]  show or set how much the model thinks: none, high, max\n"
    "/quit             leave, as does Ctrl-D\n"
    "Ctrl-C stops an answer. A line that ends with \\ goes on in the next.\n";

struct ChatVerbFlags {
  std::shared_ptr<ModelOptions> model;
  std::shared_ptr<ChatFlags> chat;
  std::shared_ptr<SamplingFlags> sampling;
  std::string load;
  RemoteChatFlags remote;
};

class Chat {
 public:
  Chat(
      ChatBackend& backend,
      const ChatVerbFlags& flags,
      Interrupt& interrupt,
      LineEditor& editor)
      : backend_(backend),
        thinking_(flags.chat->thinking),
        interrupt_(interrupt),
        editor_(editor) {
    conversation_.system = flags.chat->system;
    if (!flags.load.empty())
      conversation_ = load_conversation(flags.load);
  }

  void run() {
    if (editor_.is_terminal())
      std::cerr << "Talking with " << backend_.name()
                << "; /help lists the commands.\n";
    while (true) {
      const LineEditor::Input input = read_message();
      if (input.outcome == LineEditor::Outcome::end)
        return;
      if (input.outcome == LineEditor::Outcome::interrupted) {
        if (interrupt_.termination())
          return;
        interrupt_.rearm();
        continue;
      }
      if (input.text.empty())
        continue;
      if (input.text.front() == '/') {
        if (!command(input.text))
          return;
      } else {
        turn(input.text);
      }
    }
  }

 private:
  // A line, and those that a backslash at its end asks for.
  LineEditor::Input read_message() {
    LineEditor::Input input = editor_.read("> ", interrupt_.token());
    while (input.outcome == LineEditor::Outcome::line &&
           input.text.ends_with('\\')) {
      input.text.back() = '\n';
      const LineEditor::Input more = editor_.read(". ", interrupt_.token());
      if (more.outcome != LineEditor::Outcome::line)
        return more;
      input.text += more.text;
    }
    return input;
  }

  // False to leave.
  bool command(const std::string& line) {
    const size_t space = line.find(' ');
    const std::string word = line.substr(0, space);
    const size_t rest = line.find_first_not_of(' ', space);
    const std::string argument =
        space == line.npos || rest == line.npos ? "" : line.substr(rest);
    if (word == "/quit" || word == "/exit")
      return false;
    try {
      if (word == "/help")
        std::cerr << kHelp;
      else if (word == "/reset")
        conversation_.messages.clear();
      else if (word == "/save")
        save_conversation(conversation_, file_of(word, argument));
      else if (word == "/load")
        conversation_ = load_conversation(file_of(word, argument));
      else if (word == "/system")
        set_system(argument);
      else if (word == "/thinking")
        set_thinking(argument);
      else
        std::cerr << "hadal: no command " << word << "; /help lists them\n";
    } catch (const Error& error) {
      std::cerr << "hadal: error: " << error.what() << "\n";
    } catch (const UsageError& error) {
      std::cerr << "hadal: error: " << error.what() << "\n";
    }
    return true;
  }

  static const std::string& file_of(
      const std::string& word, const std::string& argument) {
    if (argument.empty())
      throw UsageError(word + " needs the name of a file");
    return argument;
  }

  void set_system(const std::string& text) {
    if (text.empty())
      std::cerr << (conversation_.system.empty() ? "(none)"
                                                 : conversation_.system)
                << "\n";
    else
      conversation_.system = text;
  }

  void set_thinking(const std::string& word) {
    if (word.empty()) {
      std::cerr << name(thinking_) << "\n";
      return;
    }
    const std::optional<Thinking> level = thinking_from(word);
    if (!level)
      throw UsageError(fmt::format(
          "/thinking: found \"{}\", expected one of {}",
          word,
          thinking_words()));
    thinking_ = *level;
  }

  // One message and its answer. When the answer fails, the message is taken
  // back, so that the conversation stays one that can go on.
  void turn(const std::string& text) {
    try {
      require_utf8(text, "the message");
      conversation_.messages.push_back({Role::user, text});
      answer();
    } catch (const Error& error) {
      if (!conversation_.messages.empty() &&
          conversation_.messages.back().role == Role::user)
        conversation_.messages.pop_back();
      const bool stopped = error.code() == ErrorCode::cancelled;
      std::cerr << (stopped ? "hadal: stopped"
                            : std::string("hadal: error: ") + error.what())
                << "\n";
    }
    interrupt_.rearm();
  }

  void answer() {
    const std::vector<Message> messages = conversation_.prompt();
    const ChatAnswer answer =
        backend_.answer(messages, thinking_, interrupt_.token());
    conversation_.messages.push_back(
        {.role = Role::assistant,
         .content = answer.content,
         .reasoning = answer.reasoning,
         .tool_calls = answer.tool_calls});
  }

  ChatBackend& backend_;
  Thinking thinking_;
  Interrupt& interrupt_;
  LineEditor& editor_;
  Conversation conversation_;
};

int run(const ChatVerbFlags& flags) {
  require_utf8(flags.chat->system, "--system");
  RemoteChatFlags remote = flags.remote;
  remote.model = flags.model->checkpoint;
  const std::unique_ptr<ChatBackend> backend =
      remote.url.empty()
          ? local_chat(*flags.model, *flags.chat, *flags.sampling)
          : remote_chat(remote, *flags.chat, *flags.sampling);
  Interrupt interrupt;
  LineEditor editor(default_history_file());
  Chat(*backend, flags, interrupt, editor).run();
  return kSuccess;
}

}  // namespace

Run add_chat(CLI::App& app) {
  auto flags = std::make_shared<ChatVerbFlags>();
  flags->chat = add_chat_flags(app);
  app.add_option(
         "--load", flags->load, "Go on with a conversation that /save wrote")
      ->option_text("FILE")
      ->group("Prompt");
  flags->sampling = add_sampling_flags(app);
  CLI::Option* const server =
      app.add_option(
             "--server",
             flags->remote.url,
             "Talk with the model of a server of OpenAI's API; --model is then "
             "the server's name of it, default: the first that it lists")
          ->option_text("URL")
          ->group("Server");
  app.add_option(
         "--api-key",
         flags->remote.api_key,
         "Its key; default: $HADAL_API_KEY, else $OPENAI_API_KEY")
      ->option_text("KEY")
      ->group("Server")
      ->needs(server);
  flags->model = add_model_flags(app);
  app.footer(
      std::string("Commands:\n") + kHelp +
      "\nExamples:\n  hadal chat --system \"Answer in one sentence.\"\n"
      "  hadal chat --server http://127.0.0.1:8080");
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
