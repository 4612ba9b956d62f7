// What the verbs that talk to a server share. Includes nlohmann's JSON: for
// .cpp files only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "hadal/chat.h"
#include "server/http/http_client.h"

namespace hadal::cli {

// The key from the flag, else from HADAL_API_KEY or OPENAI_API_KEY.
HttpClientOptions remote_options(
    const std::string& url, const std::string& api_key);

// "system", "user", ...
std::string_view role_word(Role role);

// What an error object says, whatever its form.
std::string server_message(const nlohmann::ordered_json& body);
// Throws Error(io) with the server's message for all but 2xx.
void require_success(const HttpResponse& response);
// The id of the first model in /v1/models.
std::string first_model(HttpClient& client);
// Throws Error(corrupt) that names `source`.
nlohmann::ordered_json parse_json(
    const std::string& text, const std::string& source);

}  // namespace hadal::cli
