#include "server/http/responder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/check.h"

namespace hadal {
namespace {

std::string date_text() {
  return fmt::format(
      "{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::time(nullptr)));
}

// A line break in a header would start another one.
void append_header(
    std::string& out, std::string_view name, std::string_view value) {
  const auto breaks = [](char c) {
    return c == '\r' || c == '\n' || c == '\0';
  };
  HADAL_CHECK(std::none_of(name.begin(), name.end(), breaks));
  HADAL_CHECK(std::none_of(value.begin(), value.end(), breaks));
  out.append(name).append(": ").append(value).append("\r\n");
}

// These answers have no body, not even an empty one.
bool is_bodiless(int status) {
  return status == 204 || status == 304;
}

}  // namespace

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 529:
      return "Overloaded";
    default:
      return "";
  }
}

Responder::Responder(std::unique_ptr<Reply> reply, ResponseTerms terms)
    : reply_(std::move(reply)),
      terms_(std::move(terms)),
      stream_(reply_->is_stream()) {}

std::chrono::milliseconds Responder::keep_alive_after(
    const HttpTimeouts& timeouts) const {
  return framing_ == Framing::undecided ? timeouts.body_keep_alive
                                        : timeouts.stream_keep_alive;
}

std::string Responder::header_text(const std::string& framing) const {
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\n", status_, status_text(status_));
  append_header(out, "Date", date_text());
  append_header(out, "Server", "hadal");
  if (!is_bodiless(status_))
    append_header(out, "Content-Type", reply_->content_type());
  append_header(out, "X-Content-Type-Options", "nosniff");
  if (stream_) {
    append_header(out, "Cache-Control", "no-cache");
    append_header(out, "X-Accel-Buffering", "no");
  }
  for (const auto& [name, value] : reply_->headers())
    append_header(out, name, value);
  for (const auto& [name, value] : terms_.headers)
    append_header(out, name, value);
  if (!terms_.keep_alive)
    append_header(out, "Connection", "close");
  else if (terms_.minor_version == 0)
    append_header(out, "Connection", "keep-alive");
  return out + framing + "\r\n";
}

// The status and headers of an answer whose length is not known.
std::string Responder::start_open_ended(int status) {
  status_ = status;
  if (terms_.minor_version == 0) {
    framing_ = Framing::until_close;
    terms_.keep_alive = false;
    return header_text("");
  }
  framing_ = Framing::chunks;
  return header_text("Transfer-Encoding: chunked\r\n");
}

std::string Responder::framed(std::string_view bytes) {
  if (bytes.empty() || terms_.without_body)
    return {};
  body_bytes_ += bytes.size();
  if (framing_ == Framing::until_close)
    return std::string(bytes);
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

std::string Responder::finish_whole() {
  framing_ = Framing::length;
  status_ = reply_->status();
  std::string framing;
  if (!is_bodiless(status_))
    framing = fmt::format("Content-Length: {}\r\n", collected_.size());
  std::string out = header_text(framing);
  if (!terms_.without_body && !is_bodiless(status_)) {
    body_bytes_ = collected_.size();
    out += collected_;
  }
  collected_.clear();
  return out;
}

std::string Responder::pump() {
  if (complete_)
    return {};
  std::string out;
  if (stream_ && framing_ == Framing::undecided) {
    out = start_open_ended(reply_->status());
    if (terms_.without_body) {
      complete_ = true;
      return out;
    }
  }
  const BodyPiece piece = reply_->take();
  complete_ = piece.last || piece.broken;
  broken_ = piece.broken;
  if (broken_)
    terms_.keep_alive = false;
  if (framing_ == Framing::undecided) {
    collected_ += piece.bytes;
    return complete_ ? finish_whole() : std::string();
  }
  out += framed(piece.bytes);
  // Without the last chunk a client knows that the answer is not whole.
  if (complete_ && !broken_ && framing_ == Framing::chunks &&
      !terms_.without_body)
    out += "0\r\n\r\n";
  return out;
}

std::string Responder::keep_alive() {
  if (complete_ || terms_.without_body)
    return {};
  std::string out;
  if (framing_ == Framing::undecided) {
    out = start_open_ended(reply_->status());
    out += framed(std::exchange(collected_, {}));
  }
  return out + framed(reply_->keep_alive());
}

}  // namespace hadal
