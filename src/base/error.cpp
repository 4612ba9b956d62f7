#include "hadal/error.h"

#include "base/check.h"

namespace hadal {

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::io:
      return "io";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::resource:
      return "resource";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::internal:
      return "internal";
  }
  return "unknown";
}

Error::Error(
    ErrorCode code, const std::string& message, std::source_location where)
    : std::runtime_error(message), code_(code), where_(where) {}

void check_failed(const char* condition, std::source_location where) {
  throw Error(
      ErrorCode::internal,
      std::string("broken invariant: ") + condition + " (" + where.file_name() +
          ":" + std::to_string(where.line()) +
          "); this is a defect in Hadal, please report it",
      where);
}

}  // namespace hadal
