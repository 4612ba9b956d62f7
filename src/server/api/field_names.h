// Errors of the shared code name fields as chat completions call them; clients
// of other APIs are told of their own.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// The same for what is wrong with one of the functions that were offered
// ("tools[1].function.parameters.properties.a"): `paths` says where each stands
// in the request, `schema` what its parameters are called there.
inline ApiError with_tool_paths(
    ApiError error,
    const std::vector<std::string>& paths,
    std::string_view schema) {
  for (size_t i = 0; i < paths.size(); ++i) {
    std::string shared = fmt::format("tools[{}].function", i);
    if (error.param.starts_with(shared))
      return renamed(
          std::move(error),
          {{shared + ".parameters", fmt::format("{}.{}", paths[i], schema)},
           {shared, paths[i]}});
  }
  return error;
}

}  // namespace hadal
