// Between the sockets and the APIs: a request with its whole body in, an answer
// in pieces out. http/ knows no API, and api/ knows no socket.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hadal {

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // decoded, without the query: "/v1/models"
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  // Whom it comes from, for fairness and logs: the name of its API key, else
  // its address. Never the key itself.
  std::string client;
  // The name of its API key alone; empty when the server has no keys. What is
  // kept for one key is not shown to another.
  std::string key_name;
};

// What there is of the body now.
struct BodyPiece {
  std::string bytes;
  bool last = false;
  // The answer broke off: close the connection after these bytes, so that no
  // client takes them for a whole answer.
  bool broken = false;
};

// One answer while it is produced. All calls come from one thread at a time.
// Destroying it before its last piece means that the client is gone: what it
// was waiting for is cancelled.
class Reply {
 public:
  virtual ~Reply() = default;

  // The status and headers. Asked for once, after `ready` was first called or
  // when keep_alive is due, whatever is first: an answer that is not known yet
  // commits to 200 by then.
  virtual int status() const = 0;
  virtual std::string content_type() const = 0;
  virtual std::vector<std::pair<std::string, std::string>> headers() const {
    return {};
  }
  // Known from the start, as with an event stream: the status and headers may
  // be sent at once.
  virtual bool is_stream() const = 0;

  // Calls `ready` (from any thread, also from within this call) whenever take
  // has something to give. `ready` only posts a task; it never calls back.
  virtual void start(std::function<void()> ready) = 0;
  // Does not block; empty when there is nothing yet.
  virtual BodyPiece take() = 0;
  // What to send when nothing was sent for some seconds: a comment line or ping
  // event in streams, a blank before a JSON body. May be empty.
  virtual std::string keep_alive() = 0;
};

class Service {
 public:
  virtual ~Service() = default;
  // Any thread; returns soon (it reads and checks the request, but does not
  // wait for the model). Never throws for a client's fault: that is a Reply
  // too.
  virtual std::unique_ptr<Reply> handle(HttpRequest request) = 0;
  // The body of an error that the HTTP layer itself finds (401, 404, 405, 411,
  // 413, 431, 503), in the form of the API that `path` belongs to (spec/text.md
  // 4.9).
  virtual std::string error_body(
      int status,
      const std::string& message,
      const std::string& path) const = 0;
};

}  // namespace hadal
