// The parser without sockets: the result must not depend on how the bytes are
// cut.
#include "server/http/request_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/http/request_target.h"

namespace hadal {
namespace {

using State = RequestParser::State;

// All requests of a connection's bytes, and what is wrong at the end.
std::string parsed(const std::string& bytes, size_t cut) {
  RequestParser parser{HttpLimits()};
  std::string out;
  std::string pending;
  for (const std::string& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
    pending += part;
    while (true) {
      const size_t before = pending.size();
      const State old = parser.state();
      const State state = parser.feed(pending);
      if (state == State::failed)
        return out + std::to_string(parser.problem().status);
      if (state == State::done) {
        const RequestHead& head = parser.head();
        out += head.method + " " + head.path + " [" + parser.take_body() + "] ";
        for (const auto& [name, value] : head.headers)
          out += name + "=" + value + ";";
        out += head.keep_alive ? " keep\n" : " close\n";
        parser.reset();
      } else if (pending.size() == before && state == old) {
        break;
      }
    }
  }
  return out + (parser.state() == State::idle ? "idle" : "within");
}

TEST(RequestParser, TheSameHoweverTheBytesAreCut) {
  const std::string bytes =
      "\r\n\r\nPOST /a HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nX-one: 2\r\n"
      "Content-Length: 5\r\n\r\nhello"
      "POST /b HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5;ext=\"a b\"\r\nhello\r\n0a\r\n0123456789\r\n0\r\nT: v\r\n\r\n"
      "GET /c?d HTTP/1.0\r\n\r\n"
      "GET /e HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\nGET";
  const std::string expected =
      "POST /a [hello] content-length=5;host=x;x-one=1, 2; keep\n"
      "POST /b [hello0123456789] host=x;transfer-encoding=Chunked; keep\n"
      "GET /c []  close\n"
      "GET /e [] connection=close;host=y; close\n"
      "within";
  for (size_t cut = 0; cut <= bytes.size(); ++cut)
    ASSERT_EQ(parsed(bytes, cut), expected) << cut;
}

TEST(RequestParser, FailuresToo) {
  const std::string bytes =
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabcd\r\n0\r\n\r\n";
  for (size_t cut = 0; cut <= bytes.size(); ++cut)
    ASSERT_EQ(parsed(bytes, cut), "400") << cut;
}

// A trailer comes behind the checks of the head: it must not change it.
TEST(RequestParser, TrailersAreNoHeaders) {
  RequestParser parser{HttpLimits()};
  std::string bytes =
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\nAuthorization: Bearer k\r\nHost: y\r\n\r\n";
  while (parser.feed(bytes) != State::done)
    ASSERT_NE(parser.state(), State::failed);
  EXPECT_EQ(parser.head().header("authorization"), "");
  EXPECT_EQ(parser.head().header("host"), "x");
}

TEST(RequestParser, HeadComesBeforeTheBody) {
  RequestParser parser{HttpLimits()};
  std::string bytes =
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
  EXPECT_EQ(parser.feed(bytes), State::body);
  EXPECT_EQ(parser.head().path, "/a");
  EXPECT_EQ(parser.head().content_length, 5u);
  EXPECT_EQ(bytes, "hello");
  EXPECT_EQ(parser.feed(bytes), State::done);
  EXPECT_EQ(bytes, "");
}

// What is kept of an endless chunk line or trailer stays small.
TEST(RequestParser, ChunkLinesAreLimited) {
  for (const std::string start : {"3;ext=", "0\r\nTrailer: "}) {
    RequestParser parser{HttpLimits()};
    std::string bytes =
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
        start;
    size_t fed = 0;
    while (parser.feed(bytes) != State::failed && fed < 100'000) {
      bytes += std::string(100, 'x');
      fed += 100;
    }
    EXPECT_EQ(parser.state(), State::failed) << start;
    EXPECT_LT(fed, 10'000u);
  }
}

TEST(RequestTarget, Forms) {
  EXPECT_EQ(parse_target("/a%2Fb?x=%26&y", 8)->path, "/a/b");
  EXPECT_EQ(parse_target("/a%2Fb?x=%26&y", 8)->raw_path, "/a%2Fb");
  EXPECT_EQ(parse_target("/?x=%26&y=", 8)->query.at("x"), "&");
  EXPECT_EQ(parse_target("https://host:1/a", 8)->path, "/a");
  EXPECT_EQ(parse_target("http://host", 8)->path, "/");
  EXPECT_EQ(parse_target("*", 8)->path, "*");
  EXPECT_EQ(parse_target("/a#b", 8)->path, "/a");
  for (const char* bad :
       {"a",
        "host:443",
        "/%",
        "/%1",
        "/%0a",
        "/%7f",
        "/a b",
        "/\xc3\xa4",
        "/?x=%0d",
        "ftp://host/"})
    EXPECT_FALSE(parse_target(bad, 8)) << bad;
  EXPECT_TRUE(parse_target("/?a&b&c", 3));
  EXPECT_FALSE(parse_target("/?a&b&c&d", 3));
}

}  // namespace
}  // namespace hadal
