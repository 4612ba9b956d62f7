// One answer on its way to the client: what a Reply gives, as bytes of HTTP.
// Knows no socket and no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/http_options.h"
#include "server/service.h"

namespace hadal {

// What of the request decides the form of its answer.
struct ResponseTerms {
  int minor_version = 1;      // HTTP/1.0 knows no chunks
  bool without_body = false;  // HEAD
  bool keep_alive = true;
  std::vector<std::pair<std::string, std::string>> headers;  // further ones
};

class Responder {
 public:
  // The reply must have been started.
  Responder(std::unique_ptr<Reply> reply, ResponseTerms terms);

  // What is to be sent now, empty for nothing. An answer that is no stream is
  // collected and sent whole, unless keep_alive() came first.
  std::string pump();
  // What is to be sent because nothing was sent for keep_alive_after().
  std::string keep_alive();
  std::chrono::milliseconds keep_alive_after(
      const HttpTimeouts& timeouts) const;

  // pump() has returned the end of the answer.
  bool complete() const { return complete_; }
  // Close the connection behind the answer.
  bool close_after() const { return !terms_.keep_alive; }
  // The answer ends in the middle.
  bool broken() const { return broken_; }

  // 0 until it is known.
  int status() const { return status_; }
  uint64_t body_bytes() const { return body_bytes_; }

 private:
  enum class Framing { undecided, length, chunks, until_close };

  std::string start_open_ended(int status);
  std::string header_text(const std::string& framing) const;
  std::string framed(std::string_view bytes);
  std::string finish_whole();

  std::unique_ptr<Reply> reply_;
  ResponseTerms terms_;
  bool stream_;
  Framing framing_ = Framing::undecided;
  std::string collected_;  // of an answer that is sent whole
  bool complete_ = false;
  bool broken_ = false;
  int status_ = 0;
  uint64_t body_bytes_ = 0;
};

// "Not Found"; "" for a number without a name.
std::string_view status_text(int status);

}  // namespace hadal
