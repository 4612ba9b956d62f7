// Boost.Beast does the parsing; what it lets pass and we do not is checked
// here.
#include "server/http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/check.h"
#include "server/http/request_target.h"

namespace hadal {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// A line of a chunked body's frame, and its trailer.
constexpr size_t kMaxChunkLine = 4096;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

HttpProblem problem_of(beast::error_code error, const HttpLimits& limits) {
  if (error == http::error::header_limit)
    return {
        431,
        "the request's headers are larger than " +
            std::to_string(limits.header_bytes) + " bytes"};
  if (error == http::error::body_limit)
    return {
        413,
        "the request's body is larger than " +
            std::to_string(limits.body_bytes) + " bytes"};
  if (error == http::error::bad_version)
    return {505, "expected HTTP/1.0 or HTTP/1.1"};
  return {400, "not an HTTP/1.1 request: " + error.message()};
}

// These say how the message is framed, or who is meant and who asks: a second
// one is a trick or a defect.
bool must_be_single(const std::string& name) {
  return name == "host" || name == "content-length" ||
         name == "transfer-encoding" || name == "authorization" ||
         name == "x-api-key" || name == "origin" || name == "content-type";
}

}  // namespace

struct RequestParser::Beast {
  explicit Beast(const HttpLimits& limits) {
    parser.header_limit(static_cast<uint32_t>(limits.header_bytes));
    // Set when the head is known, so that a refusal can name its path.
    parser.body_limit(boost::none);
  }

  http::request_parser<http::string_body> parser;
};

const std::string& RequestHead::header(const std::string& name) const {
  static const std::string absent;
  const auto found = headers.find(name);
  return found == headers.end() ? absent : found->second;
}

RequestParser::RequestParser(const HttpLimits& limits) : limits_(limits) {
  reset();
}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;

void RequestParser::reset() {
  beast_ = std::make_unique<Beast>(limits_);
  state_ = State::idle;
  head_ = {};
  problem_ = {};
}

RequestParser::State RequestParser::fail(int status, std::string message) {
  problem_ = {status, std::move(message)};
  return state_ = State::failed;
}

RequestParser::State RequestParser::feed(std::string& bytes) {
  auto& parser = beast_->parser;
  size_t taken = 0;
  // Empty lines before a request are skipped, as RFC 9112 asks.
  if (state_ == State::idle) {
    taken = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
    if (taken < bytes.size())
      state_ = State::head;
  }
  while (state_ == State::head || state_ == State::body) {
    beast::error_code error;
    const boost::asio::const_buffer rest(
        bytes.data() + taken, bytes.size() - taken);
    if (rest.size() == 0)
      break;
    const size_t n = parser.put(rest, error);
    taken += n;
    if (error == http::error::need_more) {
      if (state_ == State::body && bytes.size() - taken > kMaxChunkLine)
        fail(400, "a line of the chunked body is too long");
      break;
    }
    if (error) {
      const HttpProblem problem = problem_of(error, limits_);
      fail(problem.status, problem.message);
      break;
    }
    if (state_ == State::head && parser.is_header_done()) {
      if (!read_head() || !check_framing())
        break;
      parser.body_limit(limits_.body_bytes);
      state_ = parser.is_done() ? State::done : State::body;
      break;
    }
    if (parser.is_done())
      state_ = State::done;
  }
  bytes.erase(0, taken);
  return state_;
}

bool RequestParser::read_head() {
  const auto& message = beast_->parser.get();
  head_.method = std::string(message.method_string());
  head_.minor_version = static_cast<int>(message.version()) % 10;
  head_.keep_alive = message.keep_alive();
  if (message.version() / 10 != 1) {
    fail(505, "expected HTTP/1.0 or HTTP/1.1");
    return false;
  }
  const auto target = parse_target(
      {message.target().data(), message.target().size()},
      limits_.query_parameters);
  if (!target) {
    fail(400, "the request's target is not a path with a query");
    return false;
  }
  head_.raw_path = target->raw_path;
  head_.path = target->path;
  head_.query = target->query;
  return read_headers();
}

bool RequestParser::read_headers() {
  size_t count = 0;
  for (const auto& field : beast_->parser.get()) {
    if (++count > limits_.header_count) {
      fail(
          431,
          "more than " + std::to_string(limits_.header_count) +
              " header lines");
      return false;
    }
    const std::string name =
        lower({field.name_string().data(), field.name_string().size()});
    const std::string value(field.value());
    const auto [position, is_new] = head_.headers.emplace(name, value);
    if (is_new)
      continue;
    if (must_be_single(name)) {
      fail(400, "the header " + name + " is there twice");
      return false;
    }
    position->second += ", " + value;
  }
  const std::string& expect = head_.header("expect");
  if (!expect.empty() && lower(expect) != "100-continue") {
    fail(417, "the only expectation that can be met is 100-continue");
    return false;
  }
  head_.expects_continue = !expect.empty() && head_.minor_version > 0;
  return true;
}

bool RequestParser::check_framing() {
  const auto& parser = beast_->parser;
  const auto transfer = head_.headers.find("transfer-encoding");
  if (transfer != head_.headers.end()) {
    if (head_.headers.contains("content-length")) {
      fail(400, "both Content-Length and Transfer-Encoding");
      return false;
    }
    if (lower(transfer->second) != "chunked" || head_.minor_version == 0) {
      fail(
          400,
          "the only Transfer-Encoding that is understood is chunked, "
          "in HTTP/1.1");
      return false;
    }
  }
  const auto length = head_.headers.find("content-length");
  if (length != head_.headers.end() &&
      length->second.find_first_not_of("0123456789") != std::string::npos) {
    fail(400, "Content-Length is not one number");
    return false;
  }
  head_.chunked = parser.chunked();
  HADAL_CHECK(head_.chunked == (transfer != head_.headers.end()));
  if (parser.content_length().has_value())
    head_.content_length = *parser.content_length();
  if (head_.content_length > limits_.body_bytes) {
    const HttpProblem problem = problem_of(http::error::body_limit, limits_);
    fail(problem.status, problem.message);
    return false;
  }
  if (head_.minor_version > 0 && !head_.headers.contains("host")) {
    fail(400, "the header Host is missing");
    return false;
  }
  if ((head_.method == "POST" || head_.method == "PUT" ||
       head_.method == "PATCH") &&
      !head_.chunked && !head_.content_length) {
    fail(411, "the request has no Content-Length");
    return false;
  }
  return true;
}

size_t RequestParser::body_bytes() const {
  return beast_->parser.get().body().size();
}

std::string RequestParser::take_body() {
  return std::move(beast_->parser.get().body());
}

}  // namespace hadal
