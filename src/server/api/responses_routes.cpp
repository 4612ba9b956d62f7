// The routes of responses that are kept.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "server/api/json_text.h"
#include "server/api/responses.h"

namespace hadal {
namespace {

ApiError route_error(int status, std::string message, std::string param = "") {
  ApiError error;
  error.status = status;
  error.message = std::move(message);
  error.param = std::move(param);
  return error;
}

ApiError unknown_response(std::string_view id) {
  return route_error(
      404, fmt::format("no response with id '{}' is kept here", id));
}

ApiError wrong_method(const HttpRequest& http, std::string_view allowed) {
  ApiError error = route_error(
      405,
      fmt::format(
          "{} is not allowed for this path; use {}", http.method, allowed));
  error.code = "method_not_allowed";
  error.allow = allowed;
  return error;
}

std::string query(const HttpRequest& http, const std::string& name) {
  auto value = http.query.find(name);
  return value == http.query.end() ? "" : value->second;
}

std::string item_id(const std::vector<const JsonValue*>& items, size_t index) {
  const JsonValue* id = items[index]->find("id");
  return id != nullptr && id->is_string() ? id->as_string() : "";
}

// A page of the input of the whole conversation, newest first unless
// order=asc.
ApiResult<std::string> input_items_page(
    const HttpRequest& http, const StoredResponse& response) {
  size_t limit = 20;
  if (std::string text = query(http, "limit"); !text.empty()) {
    auto [end, failed] =
        std::from_chars(text.data(), text.data() + text.size(), limit);
    if (failed != std::errc() || end != text.data() + text.size() ||
        limit < 1 || limit > 100)
      return route_error(
          400, "limit: expected a whole number from 1 to 100", "limit");
  }
  std::string order = query(http, "order");
  if (!order.empty() && order != "asc" && order != "desc")
    return route_error(400, "order: expected asc or desc", "order");

  std::vector<const JsonValue*> items;
  for (size_t i = 0; i < response.turns.size(); ++i) {
    for (const JsonValue& item : response.turns[i]->input.items())
      items.push_back(&item);
    // The answers before this one are a part of its input.
    if (i + 1 < response.turns.size())
      for (const JsonValue& item : response.turns[i]->output.items())
        items.push_back(&item);
  }
  if (order != "asc")
    std::reverse(items.begin(), items.end());
  size_t first = 0;
  if (std::string after = query(http, "after"); !after.empty()) {
    while (first < items.size() && item_id(items, first) != after)
      ++first;
    if (first == items.size())
      return route_error(
          400, fmt::format("after: no item has the id '{}'", after), "after");
    ++first;
  }
  size_t last = std::min(items.size(), first + limit);
  std::vector<std::string> page;
  for (size_t i = first; i < last; ++i)
    page.push_back(print_json(*items[i]));
  bool empty = first >= last;
  JsonText json;
  json.text("object", "list")
      .json("data", json_array(page))
      .text("first_id", empty ? "" : item_id(items, first))
      .text("last_id", empty ? "" : item_id(items, last - 1))
      .boolean("has_more", last < items.size());
  return json.object();
}

ApiResult<std::string> response_itself(
    const HttpRequest& http, std::string_view id, const OwnResponses& store) {
  if (http.method == "DELETE") {
    if (!store.erase(id))
      return unknown_response(id);
    JsonText json;
    json.text("id", id).text("object", "response").boolean("deleted", true);
    return json.object();
  }
  if (http.method != "GET")
    return wrong_method(http, "GET, DELETE");
  if (query(http, "stream") == "true")
    return route_error(
        400, "stream: a response that is kept is not streamed again", "stream");
  auto response = store.find(id);
  if (response == nullptr)
    return unknown_response(id);
  return response->body;
}

}  // namespace

ApiResult<std::string> stored_response_route(
    const HttpRequest& http, std::string_view tail, const OwnResponses& store) {
  size_t slash = tail.find('/');
  std::string_view id = tail.substr(0, slash);
  std::string_view action =
      slash == std::string_view::npos ? "" : tail.substr(slash + 1);
  if (slash == std::string_view::npos)
    return response_itself(http, id, store);
  bool cancel = action == "cancel";
  if (!cancel && action != "input_items")
    return route_error(404, fmt::format("there is no path {}", http.path));
  std::string_view method = cancel ? "POST" : "GET";
  if (http.method != method)
    return wrong_method(http, method);
  auto response = store.find(id);
  if (response == nullptr)
    return unknown_response(id);
  if (cancel)
    return route_error(
        400,
        "only background responses can be cancelled; close the connection to "
        "end another one");
  return input_items_page(http, *response);
}

}  // namespace hadal
