#include "cli/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "cli/terminal_input.h"

namespace hadal::cli {
namespace {

namespace fs = std::filesystem;

// libedit counts columns by the locale; plain "C" would break every character
// beyond ASCII.
void require_utf8_locale() {
  if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0)
    std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

struct LineEditor::State {
  bool terminal = false;
  fs::path history_file;
  std::string prompt;
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::unique_ptr<TerminalInput> input;

  static char* prompt_of(EditLine* editor) {
    void* data = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &data);
    return static_cast<State*>(data)->prompt.data();
  }

  void open() {
    require_utf8_locale();
    HistEvent event;
    history = ::history_init();
    ::history(history, &event, H_SETSIZE, kMaxHistoryLines);
    ::history(history, &event, H_SETUNIQUE, 1);
    if (!history_file.empty())
      ::history(history, &event, H_LOAD, history_file.c_str());
    editor = ::el_init("hadal", stdin, stderr, stderr);
    ::el_set(editor, EL_CLIENTDATA, this);
    ::el_set(editor, EL_PROMPT, &State::prompt_of);
    ::el_set(editor, EL_EDITOR, "emacs");
    ::el_set(editor, EL_HIST, ::history, history);
    ::el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    input = std::make_unique<TerminalInput>(editor);
    ::el_source(editor, nullptr);
  }

  void remember(const char* line) {
    HistEvent event;
    ::history(history, &event, H_ENTER, line);
  }

  // The history holds what a person typed, so it is theirs alone to read.
  void save() {
    if (history_file.empty())
      return;
    std::error_code error;
    fs::create_directories(history_file.parent_path(), error);
    const mode_t old_mask = ::umask(0077);
    HistEvent event;
    ::history(history, &event, H_SAVE, history_file.c_str());
    ::umask(old_mask);
  }
};

LineEditor::LineEditor(fs::path history_file)
    : state_(std::make_unique<State>()) {
  state_->terminal =
      ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
  state_->history_file = std::move(history_file);
  if (state_->terminal)
    state_->open();
}

LineEditor::~LineEditor() {
  if (!state_->terminal)
    return;
  state_->save();
  state_->input.reset();
  ::el_end(state_->editor);
  ::history_end(state_->history);
}

bool LineEditor::is_terminal() const {
  return state_->terminal;
}

LineEditor::Input LineEditor::read(
    const std::string& prompt, const std::stop_token& stop) {
  Input input;
  if (!state_->terminal) {
    if (std::getline(std::cin, input.text))
      input.outcome = Outcome::line;
    return input;
  }
  state_->prompt = prompt;
  const TerminalInput::Reading reading(*state_->input, state_->prompt, stop);
  int length = 0;
  const char* const line = ::el_gets(state_->editor, &length);
  if (line == nullptr || length <= 0) {
    std::cerr << '\n';
    const bool interrupted = state_->input->interrupted();
    input.outcome = interrupted ? Outcome::interrupted : Outcome::end;
    // The terminal was left in editing mode by the signal.
    if (interrupted)
      ::el_reset(state_->editor);
    return input;
  }
  input.outcome = Outcome::line;
  input.text.assign(line, static_cast<size_t>(length));
  if (input.text.ends_with('\n'))
    input.text.pop_back();
  if (!input.text.empty())
    state_->remember(line);
  return input;
}

fs::path default_history_file() {
  const auto variable = [](const char* name) -> fs::path {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const fs::path file = variable("HADAL_HISTORY"); !file.empty())
    return file;
  if (const fs::path state = variable("XDG_STATE_HOME"); !state.empty())
    return state / "hadal" / "history";
  if (const fs::path home = variable("HOME"); !home.empty())
    return home / ".local" / "state" / "hadal" / "history";
  return {};
}

}  // namespace hadal::cli
