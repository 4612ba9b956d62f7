// Ctrl-C as a request to stop: the first one asks, the second one ends the
// program at once.
#pragma once

#include <memory>
#include <stop_token>

namespace hadal {

// While one exists, SIGINT and SIGTERM no longer kill the program: the first
// requests a stop of token(), the next exits with kInterruptedExitCode. At most
// one at a time; made and destroyed by the main thread.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Stops at the next signal. Tokens taken before rearm() stay stopped.
  std::stop_token token() const;
  bool requested() const;
  // Whether SIGTERM came: a request to leave, where Ctrl-C only stops an
  // answer. rearm() does not forget it.
  bool termination() const;
  // Forgets the signal: for a program that goes on after a stopped answer.
  void rearm();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 128 + SIGINT: what a shell reports for a program that Ctrl-C ended.
inline constexpr int kInterruptedExitCode = 130;

}  // namespace hadal
