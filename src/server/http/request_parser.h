// Bytes of a connection -> HTTP requests. Strict where two readers of the same
// bytes could disagree (request smuggling). Knows no socket.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/http/http_options.h"

namespace hadal {

// A request's first part.
struct RequestHead {
  std::string method;  // as sent: "GET"
  // The target without its query, as sent; printable ASCII. For logs.
  std::string raw_path;
  std::string path;                          // decoded
  std::map<std::string, std::string> query;  // decoded; the last of a name
  // Names in lower case; values of a name that repeats are joined by ", ".
  std::map<std::string, std::string> headers;
  int minor_version = 1;  // HTTP/1.x
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::optional<uint64_t> content_length;

  // Empty when it is absent.
  const std::string& header(const std::string& name) const;
};

// What is wrong with a request.
struct HttpProblem {
  int status = 400;
  std::string message;
};

class RequestParser {
 public:
  enum class State {
    idle,    // nothing of a request yet
    head,    // in its line or headers
    body,    // head() is complete; the body is not
    done,    // head() and body are complete
    failed,  // problem(); nothing after it can be understood
  };

  explicit RequestParser(const HttpLimits& limits);
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;

  // Takes what it can from the front of `bytes`. Returns after a complete head,
  // so that a request may be refused before its body comes; calling again goes
  // on. Takes nothing once the request is done.
  State feed(std::string& bytes);
  State state() const { return state_; }

  // From State::body on.
  const RequestHead& head() const { return head_; }
  size_t body_bytes() const;
  std::string take_body();
  const HttpProblem& problem() const { return problem_; }

  // Forgets the request: the next one starts.
  void reset();

 private:
  struct Beast;

  State fail(int status, std::string message);
  bool read_head();
  bool read_headers();
  bool check_framing();

  HttpLimits limits_;
  std::unique_ptr<Beast> beast_;
  State state_ = State::idle;
  RequestHead head_;
  HttpProblem problem_;
};

}  // namespace hadal
