// Errors of the shared code name fields as chat completions call them; clients
// of other APIs are told of their own.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include "server/api/api_error.h"

namespace hadal {

// The first pair whose `first` begins the field's path replaces that beginning
// by its `second`, in `param` and at the start of the message.
inline ApiError renamed(
    ApiError error,
    std::initializer_list<std::pair<std::string_view, std::string_view>>
        names) {
  for (const auto& [from, to] : names) {
    if (!error.param.starts_with(from))
      continue;
    if (error.message.starts_with(error.param))
      error.message.replace(0, from.size(), to);
    error.param.replace(0, from.size(), to);
    break;
  }
  return error;
}

}  // namespace hadal
