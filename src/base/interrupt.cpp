// A signal handler may do almost nothing, so it writes one byte into a pipe and
// a thread that reads the pipe requests the stop.
#include "base/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>

#include "base/check.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr char kSignal = 's';
constexpr char kEnd = 'e';

std::atomic<int> pending = 0;  // signals since the last rearm
std::atomic<bool> terminated = false;
std::atomic<int> write_end_of = -1;  // of the pipe, -1 while there is none

void write_byte(int fd, char byte) {
  while (::write(fd, &byte, 1) < 0 && errno == EINTR) {
  }
}

void on_signal(int signal) {
  const int error = errno;
  if (signal == SIGTERM)
    terminated = true;
  if (pending.fetch_add(1) > 0)
    ::_exit(kInterruptedExitCode);
  if (write_end_of >= 0)
    write_byte(write_end_of, kSignal);
  errno = error;
}

}  // namespace

struct Interrupt::State {
  int pipe[2] = {-1, -1};
  struct sigaction old_int {};
  struct sigaction old_term {};
  std::mutex mutex;
  std::stop_source source;
  std::thread thread;

  void watch() {
    char byte = 0;
    while (true) {
      const ssize_t n = ::read(pipe[0], &byte, 1);
      if (n < 0 && errno == EINTR)
        continue;
      if (n != 1 || byte == kEnd)
        return;
      const std::lock_guard lock(mutex);
      source.request_stop();
    }
  }
};

Interrupt::Interrupt() : state_(std::make_unique<State>()) {
  HADAL_CHECK(write_end_of == -1);
  if (::pipe2(state_->pipe, O_CLOEXEC) != 0)
    throw Error(
        ErrorCode::resource,
        std::string("cannot create a pipe: ") + std::strerror(errno));
  pending = 0;
  terminated = false;
  write_end_of = state_->pipe[1];

  // The thread takes no signals, so that they interrupt the main thread's
  // waiting for input.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  state_->thread = std::thread([state = state_.get()] { state->watch(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);

  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &state_->old_int);
  ::sigaction(SIGTERM, &action, &state_->old_term);
}

Interrupt::~Interrupt() {
  ::sigaction(SIGINT, &state_->old_int, nullptr);
  ::sigaction(SIGTERM, &state_->old_term, nullptr);
  write_end_of = -1;
  write_byte(state_->pipe[1], kEnd);
  state_->thread.join();
  ::close(state_->pipe[0]);
  ::close(state_->pipe[1]);
}

std::stop_token Interrupt::token() const {
  const std::lock_guard lock(state_->mutex);
  return state_->source.get_token();
}

bool Interrupt::requested() const {
  return pending > 0;
}

bool Interrupt::termination() const {
  return terminated;
}

void Interrupt::rearm() {
  const std::lock_guard lock(state_->mutex);
  state_->source = {};
  pending = 0;
}

}  // namespace hadal
