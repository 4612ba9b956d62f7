// What the program's exit status says.
#pragma once

#include <stdexcept>

#include "base/interrupt.h"
#include "hadal/error.h"

namespace hadal::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

// Flags that cannot be meant together, and the like.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return kWrongUsage;
    case ErrorCode::cancelled:
      return kInterruptedExitCode;
    case ErrorCode::not_found:
    case ErrorCode::io:
    case ErrorCode::corrupt:
    case ErrorCode::unsupported:
    case ErrorCode::resource:
    case ErrorCode::internal:
      break;
  }
  return kFailed;
}

}  // namespace hadal::cli
