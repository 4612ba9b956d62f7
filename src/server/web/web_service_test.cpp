// Which requests get the page, and with what headers.
#include "server/web/web_service.h"

#include <gtest/gtest.h>

#include <map>

#include "server/web/web_files.h"

namespace hadal {
namespace {

// Remembers what was passed on.
class NextService : public Service {
 public:
  std::unique_ptr<Reply> handle(HttpRequest request) override {
    passed.push_back(request.method + " " + request.path);
    return nullptr;
  }
  std::string error_body(
      int, const std::string& message, const std::string&) const override {
    return "next: " + message;
  }
  std::vector<std::string> passed;
};

class WebServiceTest : public testing::Test {
 protected:
  std::unique_ptr<Reply> ask(
      const std::string& method,
      const std::string& path,
      std::map<std::string, std::string> headers = {}) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.headers = std::move(headers);
    return service.handle(std::move(request));
  }

  NextService next;
  WebService service{next};
};

TEST_F(WebServiceTest, GivesThePageWithItsPolicy) {
  auto reply = ask("GET", "/");
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->status(), 200);
  EXPECT_FALSE(reply->is_stream());
  EXPECT_EQ(reply->content_type(), "text/html; charset=utf-8");
  std::map<std::string, std::string> headers;
  for (auto& [name, value] : reply->headers())
    headers[name] = value;
  EXPECT_EQ(headers["Content-Security-Policy"], kWebSecurityPolicy);
  EXPECT_EQ(headers["X-Content-Type-Options"], "nosniff");
  EXPECT_EQ(headers["ETag"], find_web_file("/")->etag);
  BodyPiece body = reply->take();
  EXPECT_TRUE(body.last);
  EXPECT_EQ(body.bytes, find_web_file("/")->bytes);
}

TEST_F(WebServiceTest, SaysThatAFileIsKnown) {
  std::string tag(find_web_file("/web/app.js")->etag);
  for (const std::string& sent :
       {tag, "\"other\", " + tag, "W/" + tag, std::string("*")}) {
    auto reply = ask("GET", "/web/app.js", {{"if-none-match", sent}});
    EXPECT_EQ(reply->status(), 304) << sent;
    EXPECT_EQ(reply->take().bytes, "") << sent;
  }
  EXPECT_EQ(
      ask("GET", "/web/app.js", {{"if-none-match", "\"other\""}})->status(),
      200);
}

TEST_F(WebServiceTest, PassesOnTheRest) {
  ask("GET", "/health");
  ask("POST", "/");
  ask("GET", "/web/none.js");
  EXPECT_EQ(
      next.passed,
      (std::vector<std::string>{"GET /health", "POST /", "GET /web/none.js"}));
  EXPECT_EQ(service.error_body(404, "no", "/x"), "next: no");
}

TEST(WebFilePaths, AreAllFound) {
  auto paths = web_file_paths();
  EXPECT_GT(paths.size(), 10u);
  for (const std::string& path : paths)
    EXPECT_NE(find_web_file(path), nullptr) << path;
}

}  // namespace
}  // namespace hadal
