// A server with a scripted service, for each test.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "server/http/http_server.h"
#include "server/http/testing.h"

namespace hadal::testing {

inline HttpServerOptions any_port() {
  HttpServerOptions out;
  out.port = 0;
  return out;
}

class HttpServerTest : public ::testing::Test {
 protected:
  void start(HttpServerOptions given = any_port()) {
    server_.emplace(std::move(given), service_);
  }
  uint16_t port() { return server_->port(); }
  TestResponse ask(const std::string& bytes) {
    return TestClient(port()).ask(bytes);
  }

  FakeService service_;
  std::optional<HttpServer> server_;
};

}  // namespace hadal::testing
