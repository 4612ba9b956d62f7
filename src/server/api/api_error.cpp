// The table of statuses and the two forms of an error.
#include "server/api/api_error.h"

#include <nlohmann/json.hpp>

#include "server/api/write_json.h"

namespace hadal {

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
      return 400;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::resource:
      return 503;
    case ErrorCode::cancelled:
      return 499;
    case ErrorCode::io:
    case ErrorCode::corrupt:
    case ErrorCode::internal:
      return 500;
  }
  return 500;
}

ApiError api_error(const Failure& failure) {
  ApiError error;
  error.status = http_status(failure.code);
  bool named = failure.message.starts_with(failure.field);
  error.message =
      named ? failure.message : failure.field + ": " + failure.message;
  error.param = failure.field;
  return error;
}

ApiError api_error(const Error& error) {
  ApiError told;
  told.status = http_status(error.code());
  // Messages of failed files name paths of the machine: they are for the log.
  told.message = told.status == 500
                     ? "an internal error ended the request; the server's log "
                       "says more"
                     : error.what();
  return told;
}

ApiFamily api_family(std::string_view path) {
  bool anthropic = path == "/v1/messages" || path.starts_with("/v1/messages/");
  return anthropic ? ApiFamily::anthropic : ApiFamily::openai;
}

std::string_view error_type(ApiFamily family, int status) {
  bool openai = family == ApiFamily::openai;
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return openai ? "invalid_request_error" : "not_found_error";
    case 408:
    case 504:
      return "timeout_error";
    case 413:
      return openai ? "invalid_request_error" : "request_too_large";
    case 429:
      return "rate_limit_error";
    case 499:
      return openai ? "request_cancelled" : "api_error";
    case 503:
      return openai ? "unavailable_error" : "overloaded_error";
    default:
      break;
  }
  if (status >= 500)
    return openai ? "server_error" : "api_error";
  return "invalid_request_error";
}

std::string openai_error_json(const ApiError& error) {
  nlohmann::ordered_json body;
  body["message"] = error.message;
  body["type"] = error_type(ApiFamily::openai, error.status);
  body["param"] = nullptr;
  if (!error.param.empty())
    body["param"] = error.param;
  body["code"] = nullptr;
  if (!error.code.empty())
    body["code"] = error.code;
  else if (error.status == 503)
    body["code"] = 503;
  for (const auto& [name, number] : error.numbers)
    body[name] = number;
  return dump({{"error", std::move(body)}});
}

std::string anthropic_error_json(const ApiError& error) {
  nlohmann::ordered_json body;
  body["type"] = error_type(ApiFamily::anthropic, error.status);
  body["message"] = error.message;
  for (const auto& [name, number] : error.numbers)
    body[name] = number;
  return dump({{"type", "error"}, {"error", std::move(body)}});
}

std::string error_json(ApiFamily family, const ApiError& error) {
  return family == ApiFamily::anthropic ? anthropic_error_json(error)
                                        : openai_error_json(error);
}

}  // namespace hadal
