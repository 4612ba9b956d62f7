// The characters of a terminal for the line editor, and what happens to the
// terminal while it waits: a new window size, Ctrl-Z, Ctrl-C.
#pragma once

#include <histedit.h>

#include <memory>
#include <stop_token>
#include <string>

namespace hadal::cli {

// Installs itself as the reader of `editor`, whose terminal must be standard
// input and standard error. One at a time, one thread; `editor` outlives it.
class TerminalInput {
 public:
  explicit TerminalInput(EditLine* editor);
  ~TerminalInput();
  TerminalInput(const TerminalInput&) = delete;
  TerminalInput& operator=(const TerminalInput&) = delete;

  // While one exists, the signals of the terminal are handled here and pasted
  // text is marked as such by the terminal: its newlines do not end the line.
  // `prompt` is what the editor shows before the line; the line ends when
  // `stop` is requested.
  class Reading {
   public:
    Reading(
        TerminalInput& input, const std::string& prompt, std::stop_token stop);
    ~Reading();
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    TerminalInput& input_;
    std::stop_callback<void (*)()> wake_;
  };

  // Whether the last line ended because the stop was requested.
  bool interrupted() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal::cli
