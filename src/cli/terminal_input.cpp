// libedit's own signal handling sends each signal on to the whole process
// group, so this reader handles them. A handler notes what came and writes a
// byte into a pipe; who waits for a key waits for the pipe too, so that no
// signal is lost between two keys.
#include "cli/terminal_input.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <cwchar>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "hadal/error.h"

namespace hadal::cli {
namespace {

constexpr std::array kSignals = {SIGWINCH, SIGTSTP, SIGCONT};
constexpr const char* kPasteBegin = "\x1b[200~";
constexpr std::wstring_view kPasteEnd = L"\x1b[201~";
constexpr std::string_view kPasteMarksOn = "\x1b[?2004h";
constexpr std::string_view kPasteMarksOff = "\x1b[?2004l";

std::atomic<bool> resized = false;
std::atomic<bool> stop_asked = false;
std::atomic<bool> continued = false;
std::atomic<int> wake_end = -1;  // of the pipe

// When the pipe is full, a byte that wakes is in it.
void wake() {
  const char byte = 0;
  [[maybe_unused]] const ssize_t written = ::write(wake_end, &byte, 1);
}

void note_signal(int signal) {
  const int error = errno;
  (signal == SIGWINCH  ? resized
   : signal == SIGTSTP ? stop_asked
                       : continued) = true;
  wake();
  errno = error;
}

void write_terminal(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno != EINTR)
      return;
    text.remove_prefix(n < 0 ? 0 : static_cast<size_t>(n));
  }
}

// Bytes that the lead byte of a UTF-8 character announces; 0: none.
int bytes_of_character(unsigned char lead) {
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead < 0xe0)
    return 2;
  if (lead >= 0xe0 && lead < 0xf0)
    return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

}  // namespace

struct TerminalInput::State {
  EditLine* editor = nullptr;
  const std::string* prompt = nullptr;
  std::stop_token stop;
  bool interrupted = false;
  int pipe[2] = {-1, -1};
  std::array<struct sigaction, kSignals.size()> old_actions{};

  static State* current;

  void take_signals() {
    struct sigaction action {};
    action.sa_handler = note_signal;
    ::sigemptyset(&action.sa_mask);
    resized = stop_asked = continued = false;
    for (size_t i = 0; i < kSignals.size(); ++i)
      ::sigaction(kSignals[i], &action, &old_actions[i]);
  }

  void give_signals_back() {
    for (size_t i = 0; i < kSignals.size(); ++i)
      ::sigaction(kSignals[i], &old_actions[i], nullptr);
  }

  // Rows of the window between the prompt and a place in the line.
  int64_t rows_to(const wchar_t* place) const {
    int width = 0;
    if (::el_get(editor, EL_GETTC, "co", &width) != 0 || width <= 0)
      width = 80;
    int64_t rows = 0;
    int64_t columns = static_cast<int64_t>(prompt->size());
    for (const wchar_t* c = ::el_wline(editor)->buffer; c < place; ++c) {
      columns += std::max(::wcwidth(*c), 0);
      if (*c != L'\n')
        continue;
      rows += columns / width + 1;
      columns = 0;
    }
    return rows + columns / width;
  }

  // A terminal that changes its width wraps the rows anew, so the line begins
  // where the new width puts it.
  void redraw_resized() {
    ::el_resize(editor);
    move_rows('A', rows_to(::el_wline(editor)->cursor));
    write_terminal("\r\x1b[J");
    ::el_set(editor, EL_REFRESH);
  }

  // What is written next must not cover the rest of the line.
  void leave_line() {
    const LineInfoW* const line = ::el_wline(editor);
    move_rows('B', rows_to(line->lastchar) - rows_to(line->cursor));
  }

  static void move_rows(char direction, int64_t rows) {
    if (rows > 0)
      write_terminal("\x1b[" + std::to_string(rows) + direction);
  }

  // The shell that took the terminal meanwhile has its own settings.
  void take_terminal_back() {
    ::el_set(editor, EL_PREP_TERM, 0);
    ::el_set(editor, EL_PREP_TERM, 1);
    write_terminal(kPasteMarksOn);
    write_terminal("\r\x1b[J");
    ::el_set(editor, EL_REFRESH);
  }

  void stop_as_asked() {
    leave_line();
    write_terminal(kPasteMarksOff);
    ::el_set(editor, EL_PREP_TERM, 0);
    struct sigaction default_action {
    }, noting{};
    default_action.sa_handler = SIG_DFL;
    ::sigaction(SIGTSTP, &default_action, &noting);
    ::raise(SIGTSTP);
    ::sigaction(SIGTSTP, &noting, nullptr);
    continued = true;
  }

  void act_on_signals() {
    std::array<char, 64> bytes{};
    while (::read(pipe[0], bytes.data(), bytes.size()) > 0) {
    }
    if (stop_asked.exchange(false))
      stop_as_asked();
    if (continued.exchange(false))
      take_terminal_back();
    if (resized.exchange(false))
      redraw_resized();
  }

  // 1: a byte, 0: the end of the input, -1: stopped or failed.
  int read_byte(unsigned char* byte) {
    while (true) {
      std::array<pollfd, 2> waited{
          pollfd{.fd = pipe[0], .events = POLLIN},
          pollfd{.fd = STDIN_FILENO, .events = POLLIN}};
      if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR)
        return -1;
      act_on_signals();
      if (stop.stop_requested()) {
        interrupted = true;
        leave_line();
        return -1;
      }
      if (waited[1].revents == 0)
        continue;
      const ssize_t n = ::read(STDIN_FILENO, byte, 1);
      if (n >= 0 || errno != EINTR)
        return static_cast<int>(n);
    }
  }

  // What is no character becomes U+FFFD.
  int read_character(wchar_t* out) {
    *out = 0;
    unsigned char byte = 0;
    if (const int n = read_byte(&byte); n != 1)
      return n;
    const int length = bytes_of_character(byte);
    std::array<char, 4> bytes{static_cast<char>(byte)};
    for (int i = 1; i < length; ++i) {
      if (const int n = read_byte(&byte); n != 1)
        return n;
      bytes[static_cast<size_t>(i)] = static_cast<char>(byte);
    }
    std::mbstate_t state{};
    const size_t used =
        length == 0
            ? static_cast<size_t>(-1)
            : std::mbrtowc(
                  out, bytes.data(), static_cast<size_t>(length), &state);
    if (used > bytes.size())
      *out = L'\xfffd';
    return 1;
  }

  // The text between the terminal's marks, into the line as it is. Newlines at
  // its end are dropped: the person's own Enter sends the message.
  unsigned char insert_paste() {
    std::wstring text;
    while (!text.ends_with(kPasteEnd)) {
      wchar_t c = 0;
      if (::el_wgetc(editor, &c) != 1)
        return CC_EOF;
      text += c == L'\r' ? L'\n' : c;
    }
    text.resize(text.size() - kPasteEnd.size());
    while (text.ends_with(L'\n'))
      text.pop_back();
    if (!text.empty() && ::el_winsertstr(editor, text.c_str()) != 0)
      return CC_ERROR;
    return CC_REFRESH;
  }

  static int read_for(EditLine*, wchar_t* out) {
    return current->read_character(out);
  }
  static unsigned char paste_for(EditLine*, int) {
    return current->insert_paste();
  }
};

TerminalInput::State* TerminalInput::State::current = nullptr;

TerminalInput::TerminalInput(EditLine* editor)
    : state_(std::make_unique<State>()) {
  HADAL_CHECK(State::current == nullptr);
  if (::pipe2(state_->pipe, O_CLOEXEC | O_NONBLOCK) != 0)
    throw Error(
        ErrorCode::resource,
        std::string("cannot create a pipe: ") + std::strerror(errno));
  wake_end = state_->pipe[1];
  State::current = state_.get();
  state_->editor = editor;
  ::el_set(editor, EL_GETCFN, &State::read_for);
  ::el_set(
      editor,
      EL_ADDFN,
      "hadal-paste",
      "Insert what the terminal pastes",
      &State::paste_for);
  ::el_set(editor, EL_BIND, kPasteBegin, "hadal-paste", nullptr);
}

TerminalInput::~TerminalInput() {
  ::el_set(state_->editor, EL_GETCFN, EL_BUILTIN_GETCFN);
  State::current = nullptr;
  for (const int end : state_->pipe)
    ::close(end);
}

bool TerminalInput::interrupted() const {
  return state_->interrupted;
}

TerminalInput::Reading::Reading(
    TerminalInput& input, const std::string& prompt, std::stop_token stop)
    : input_(input), wake_(stop, &wake) {
  State& state = *input_.state_;
  state.prompt = &prompt;
  state.stop = std::move(stop);
  state.interrupted = false;
  state.take_signals();
  ::el_resize(state.editor);
  // Before the prompt shows, so that no key typed at it meets the terminal's
  // own line editing.
  ::el_set(state.editor, EL_PREP_TERM, 1);
  write_terminal(kPasteMarksOn);
}

TerminalInput::Reading::~Reading() {
  write_terminal(kPasteMarksOff);
  input_.state_->give_signals_back();
}

}  // namespace hadal::cli
