// Reading lines that a person types.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

namespace hadal::cli {

// On a terminal: editing, and a history that is kept in a file. Otherwise plain
// lines of standard input, without a prompt. One at a time, one thread.
class LineEditor {
 public:
  // No history is kept when the file cannot be written.
  explicit LineEditor(std::filesystem::path history_file);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Outcome { line, interrupted, end };
  struct Input {
    Outcome outcome = Outcome::end;
    std::string text;  // without its newline
  };
  // Shows `prompt` and waits. On a terminal a stop, as Ctrl-C requests it,
  // gives `interrupted`; Ctrl-D on an empty line gives `end`.
  Input read(const std::string& prompt, const std::stop_token& stop);

  bool is_terminal() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// HADAL_HISTORY, else XDG_STATE_HOME or ~/.local/state, then hadal/history;
// empty when none of them is known.
std::filesystem::path default_history_file();

}  // namespace hadal::cli
