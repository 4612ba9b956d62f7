// An answer that is known at once.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/api/api_error.h"
#include "server/service.h"

namespace hadal {

class ReadyReply : public Reply {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  ReadyReply(
      int status,
      std::string body,
      std::string content_type = "application/json",
      Headers headers = {})
      : status_(status),
        content_type_(std::move(content_type)),
        headers_(std::move(headers)),
        body_(std::move(body)) {}

  int status() const override { return status_; }
  std::string content_type() const override { return content_type_; }
  Headers headers() const override { return headers_; }
  bool is_stream() const override { return false; }
  void start(std::function<void()> ready) override { ready(); }
  BodyPiece take() override { return {std::exchange(body_, {}), true, false}; }
  std::string keep_alive() override { return {}; }

 private:
  int status_;
  std::string content_type_;
  Headers headers_;
  std::string body_;
};

// Allow, and Retry-After in whole seconds, at least one.
inline ReadyReply::Headers error_headers(const ApiError& error) {
  ReadyReply::Headers headers;
  if (!error.allow.empty())
    headers.emplace_back("Allow", error.allow);
  if (error.retry_after_seconds > 0) {
    double seconds = std::max(1.0, std::ceil(error.retry_after_seconds));
    headers.emplace_back("Retry-After", fmt::format("{:.0f}", seconds));
  }
  return headers;
}

inline std::unique_ptr<Reply> error_reply(
    ApiFamily family, const ApiError& error) {
  return std::make_unique<ReadyReply>(
      error.status,
      error_json(family, error),
      "application/json",
      error_headers(error));
}

}  // namespace hadal
