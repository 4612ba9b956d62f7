// An answer that is known at once: errors of this layer, preflights.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/service.h"

namespace hadal {

class FixedReply : public Reply {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  FixedReply(
      int status,
      std::string content_type,
      std::string body,
      Headers headers = {})
      : status_(status),
        content_type_(std::move(content_type)),
        body_(std::move(body)),
        headers_(std::move(headers)) {}

  int status() const override { return status_; }
  std::string content_type() const override { return content_type_; }
  Headers headers() const override { return headers_; }
  bool is_stream() const override { return false; }
  void start(std::function<void()> ready) override { ready(); }
  BodyPiece take() override { return {std::move(body_), true, false}; }
  std::string keep_alive() override { return {}; }

 private:
  int status_;
  std::string content_type_;
  std::string body_;
  Headers headers_;
};

}  // namespace hadal
