// The table of routes: which path is which, and what may be done with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hadal {

enum class Route {
  chat_completions,
  completions,
  responses,
  response_tokens,   // /v1/responses/input_tokens
  stored_responses,  // /v1/responses/{id}...
  messages,
  message_tokens,
  models,
  model,  // /v1/models/{id}
  health,
  metrics,
  props,
  slots,
  tokenize,
  detokenize,
  apply_template,
  version,
};

struct RouteMatch {
  Route route;
  std::string_view name;     // for metrics: "/v1/models/{id}"
  std::string_view methods;  // allowed: "GET", "POST"; "" for any
  std::string_view rest;     // of the path, what stands for {id}
};

// Paths of OpenAI's API may come without their /v1.
std::optional<RouteMatch> find_route(std::string_view path);

}  // namespace hadal
