// The table.
#include "server/api/routes.h"

namespace hadal {
namespace {

struct Row {
  std::string_view path;
  Route route;
  std::string_view methods;
  bool also_without_v1 = false;
};

constexpr std::string_view kV1 = "/v1";

constexpr Row kRows[] = {
    {"/v1/chat/completions", Route::chat_completions, "POST", true},
    {"/v1/completions", Route::completions, "POST", true},
    {"/v1/responses", Route::responses, "POST", true},
    {"/v1/responses/input_tokens", Route::response_tokens, "POST", true},
    {"/v1/messages", Route::messages, "POST"},
    {"/v1/messages/count_tokens", Route::message_tokens, "POST"},
    {"/v1/models", Route::models, "GET", true},
    {"/health", Route::health, "GET"},
    {"/metrics", Route::metrics, "GET"},
    {"/props", Route::props, "GET"},
    {"/slots", Route::slots, "GET"},
    {"/tokenize", Route::tokenize, "POST"},
    {"/detokenize", Route::detokenize, "POST"},
    {"/apply-template", Route::apply_template, "POST"},
    {"/version", Route::version, "GET"},
};

// Paths with something behind them.
struct Prefix {
  std::string_view path;
  std::string_view name;
  Route route;
  std::string_view methods;
};

constexpr Prefix kPrefixes[] = {
    {"/v1/models/", "/v1/models/{id}", Route::model, "GET"},
    {"/v1/responses/", "/v1/responses/{id}", Route::stored_responses, ""},
};

}  // namespace

std::optional<RouteMatch> find_route(std::string_view path) {
  for (const Row& row : kRows)
    if (path == row.path ||
        (row.also_without_v1 && path == row.path.substr(kV1.size())))
      return RouteMatch{row.route, row.path, row.methods, {}};
  for (const Prefix& prefix : kPrefixes)
    for (std::string_view start : {prefix.path, prefix.path.substr(kV1.size())})
      if (path.starts_with(start) && path.size() > start.size())
        return RouteMatch{
            prefix.route,
            prefix.name,
            prefix.methods,
            path.substr(start.size())};
  return std::nullopt;
}

}  // namespace hadal
