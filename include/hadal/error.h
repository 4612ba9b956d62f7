// What goes wrong, as a value and as an exception.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hadal {

// The kind of a failure. One table maps it to an exit code (cli) and to an
// HTTP status (server).
enum class ErrorCode {
  invalid_argument,  // the caller's input: a flag, a field, a token id
  not_found,         // a file, a model, a tensor that is not there
  io,                // the system could not read, write or map
  corrupt,           // a file contradicts its own format
  unsupported,       // valid, but not what this program can run
  resource,          // memory, disk, context: a limit of this machine
  cancelled,         // the user or client asked to stop
  internal,          // a broken invariant: a defect in Hadal
};

// "invalid_argument", "not_found", ...
std::string_view name(ErrorCode code);

// Thrown when an operation ends. The message says where, what was found, what
// was expected and what to do, in one line without a final period.
class Error : public std::runtime_error {
 public:
  Error(
      ErrorCode code,
      const std::string& message,
      std::source_location where = std::source_location::current());

  ErrorCode code() const { return code_; }
  // Where in Hadal's source it was thrown, for bug reports.
  const std::source_location& where() const { return where_; }

 private:
  ErrorCode code_;
  std::source_location where_;
};

}  // namespace hadal
