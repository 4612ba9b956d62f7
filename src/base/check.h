// HADAL_CHECK guards an invariant of our own code and throws
// ErrorCode::internal when it is broken. Input from outside gets a proper Error
// instead.
#pragma once

#include <source_location>

namespace hadal {

[[noreturn]] void check_failed(
    const char* condition,
    std::source_location where = std::source_location::current());

}  // namespace hadal

#define HADAL_CHECK(condition)           \
  do {                                   \
    if (!(condition)) [[unlikely]]       \
      ::hadal::check_failed(#condition); \
  } while (false)
