// TLS with a certificate made here.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "hadal/error.h"
#include "server/http/testing_certificate.h"
#include "server/http/testing_fixture.h"

namespace hadal {
namespace {

using namespace std::chrono_literals;
using testing::any_port;
using testing::get;
using testing::post;
using testing::TestCertificate;
using testing::TestClient;

// A blocking client that speaks TLS and trusts one certificate.
class TlsClient {
 public:
  TlsClient(uint16_t port, const std::string& trusted, int max_version = 0)
      : context_(::SSL_CTX_new(::TLS_client_method()), ::SSL_CTX_free) {
    ::SSL_CTX_load_verify_locations(context_.get(), trusted.c_str(), nullptr);
    ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    if (max_version != 0) {
      ::SSL_CTX_set_max_proto_version(context_.get(), max_version);
      ::SSL_CTX_set_security_level(context_.get(), 0);
    }
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ssl_ = ::SSL_new(context_.get());
    ::SSL_set1_host(ssl_, "localhost");
    ::SSL_set_fd(ssl_, socket_);
    connected = ::SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    ::SSL_free(ssl_);
    ::close(socket_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  void send(const std::string& bytes) {
    ::SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
  }
  std::string read_until(const std::string& end) {
    std::string out;
    char c = 0;
    while (!out.ends_with(end) && ::SSL_read(ssl_, &c, 1) == 1)
      out += c;
    return out;
  }
  void say_goodbye() { ::SSL_shutdown(ssl_); }
  std::string version() const { return ::SSL_get_version(ssl_); }

  bool connected = false;

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  int socket_ = -1;
  SSL* ssl_ = nullptr;
};

class HttpTlsTest : public testing::HttpServerTest {
 protected:
  HttpServerOptions with_tls() {
    HttpServerOptions out = any_port();
    out.tls_certificate = certificate_.certificate_file();
    out.tls_key = certificate_.key_file();
    return out;
  }

  TestCertificate certificate_;
};

TEST_F(HttpTlsTest, RequestsAndStreams) {
  start(with_tls());
  EXPECT_TRUE(server_->url().starts_with("https://"));
  TlsClient client(port(), certificate_.certificate_file());
  ASSERT_TRUE(client.connected);
  EXPECT_EQ(client.version(), "TLSv1.3");
  client.send(get("/text"));
  EXPECT_TRUE(client.read_until("fine\n").starts_with("HTTP/1.1 200"));
  const std::string body(300'000, 'x');
  client.send(post("/echo", body));
  EXPECT_NE(client.read_until(body).find("300000"), std::string::npos);
  const auto script = service_.script("/stream");
  client.send(get("/stream"));
  script->push("data: 1\n\n");
  script->finish();
  EXPECT_NE(client.read_until("0\r\n\r\n").find("data: 1"), std::string::npos);
}

TEST_F(HttpTlsTest, ClientsThatGoAwayCancel) {
  start(with_tls());
  for (const bool polite : {true, false}) {
    const auto script = service_.script("/stream");
    auto client =
        std::make_unique<TlsClient>(port(), certificate_.certificate_file());
    client->send(get("/stream"));
    ASSERT_TRUE(script->wait_started(5s));
    if (polite)
      client->say_goodbye();
    else
      client.reset();
    EXPECT_TRUE(script->wait_destroyed(2s));
  }
}

TEST_F(HttpTlsTest, PlainTextIsRefused) {
  start(with_tls());
  TestClient plain(port());
  EXPECT_EQ(plain.ask(get("/text")).status, 0);
  EXPECT_TRUE(plain.wait_closed());
  EXPECT_TRUE(service_.requests().empty());
}

TEST_F(HttpTlsTest, SilentClientsAreCutOff) {
  HttpServerOptions given = with_tls();
  given.timeouts.handshake = 100ms;
  start(given);
  TestClient silent(port());
  EXPECT_TRUE(silent.wait_closed());
}

TEST_F(HttpTlsTest, OldVersionsAreRefused) {
  start(with_tls());
  EXPECT_TRUE(TlsClient(port(), certificate_.certificate_file(), TLS1_2_VERSION)
                  .connected);
  EXPECT_FALSE(
      TlsClient(port(), certificate_.certificate_file(), TLS1_1_VERSION)
          .connected);
}

TEST_F(HttpTlsTest, ConnectionsEndPolitely) {
  start(with_tls());
  TlsClient client(port(), certificate_.certificate_file());
  client.send(get("/text", "Connection: close\r\n"));
  EXPECT_TRUE(client.read_until("never there").ends_with("fine\n"));
}

TEST_F(HttpTlsTest, FilesThatAreNoCertificates) {
  const std::string nonsense = certificate_.key_file() + ".txt";
  std::ofstream(nonsense) << "nonsense\n";
  HttpServerOptions given = with_tls();
  given.tls_key = "";
  EXPECT_THROW(start(given), Error);
  given.tls_key = nonsense;
  EXPECT_THROW(start(given), Error);
  given = with_tls();
  given.tls_certificate = nonsense;
  EXPECT_THROW(start(given), Error);
  given.tls_certificate = nonsense + ".absent";
  EXPECT_THROW(start(given), Error);
  // The key of another certificate.
  const TestCertificate other;
  given = with_tls();
  given.tls_key = other.key_file();
  EXPECT_THROW(start(given), Error);
  std::filesystem::remove(nonsense);
}

}  // namespace
}  // namespace hadal
