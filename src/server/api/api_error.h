// What goes wrong with a request, and how each API family says it (spec/text.md
// 4.9).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "hadal/result.h"
#include "server/api/api_call.h"

namespace hadal {

// A value or what the client is told. In the manner of Result.
template <class T>
class ApiResult {
 public:
  ApiResult(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  ApiResult(ApiError error)
      : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const ApiError& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, ApiError> state_;
};

// invalid_argument: 400, not_found: 404, unsupported: 400, resource: 503,
// cancelled: 499, everything else: 500. A 500 does not repeat the message's
// details of our own files.
int http_status(ErrorCode code);
ApiError api_error(const Failure& failure);
ApiError api_error(const Error& error);

enum class ApiFamily { openai, anthropic };

// The family that a path belongs to: /v1/messages and below is Anthropic's.
ApiFamily api_family(std::string_view path);

// The word for `type`: "invalid_request_error", "authentication_error", ...
std::string_view error_type(ApiFamily family, int status);

// {"error":{"message","type","param","code",...numbers}}
std::string openai_error_json(const ApiError& error);
// {"type":"error","error":{"type","message",...numbers}}
std::string anthropic_error_json(const ApiError& error);
std::string error_json(ApiFamily family, const ApiError& error);

}  // namespace hadal
