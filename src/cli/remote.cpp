#include "cli/remote.h"

#include <fmt/format.h>

#include <cstdlib>

#include "hadal/error.h"

namespace hadal::cli {

using Json = nlohmann::ordered_json;

HttpClientOptions remote_options(
    const std::string& url, const std::string& api_key) {
  HttpClientOptions options;
  options.url = url;
  // Many give the base of their SDK, whose paths have no version.
  if (options.url.ends_with("/v1/"))
    options.url.pop_back();
  if (options.url.ends_with("/v1"))
    options.url.resize(options.url.size() - 3);
  options.api_key = api_key;
  for (const char* name : {"HADAL_API_KEY", "OPENAI_API_KEY"})
    if (const char* value = std::getenv(name);
        value != nullptr && options.api_key.empty())
      options.api_key = value;
  return options;
}

std::string_view role_word(Role role) {
  switch (role) {
    case Role::system:
      return "system";
    case Role::user:
      return "user";
    case Role::assistant:
      return "assistant";
    case Role::tool:
      return "tool";
  }
  return "user";
}

std::string server_message(const Json& body) {
  const auto error = body.find("error");
  if (error == body.end())
    return body.dump();
  if (error->is_object() && error->contains("message") &&
      (*error)["message"].is_string())
    return (*error)["message"].get<std::string>();
  return error->is_string() ? error->get<std::string>() : error->dump();
}

void require_success(const HttpResponse& response) {
  if (response.status / 100 == 2)
    return;
  const Json body = Json::parse(response.body, nullptr, false);
  constexpr size_t kMaxQuoted = 300;
  throw Error(
      ErrorCode::io,
      fmt::format(
          "the server answers {}: {}",
          response.status,
          body.is_object() ? server_message(body)
                           : response.body.substr(0, kMaxQuoted)));
}

std::string first_model(HttpClient& client) {
  const HttpResponse response = client.get("/v1/models");
  require_success(response);
  const Json body = Json::parse(response.body, nullptr, false);
  if (body.is_object() && body.contains("data") && body["data"].is_array() &&
      !body["data"].empty() && body["data"][0].is_object())
    return body["data"][0].value("id", "");
  throw Error(
      ErrorCode::io, "the server's /v1/models lists no model; give --model");
}

Json parse_json(const std::string& text, const std::string& source) {
  Json out = Json::parse(text, nullptr, false);
  if (out.is_discarded())
    throw Error(ErrorCode::corrupt, source + " is not JSON");
  return out;
}

}  // namespace hadal::cli
