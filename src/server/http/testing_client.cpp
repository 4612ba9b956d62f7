#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "server/http/testing.h"

namespace hadal::testing {

TestClient::TestClient(uint16_t port, int receive_buffer) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0)
    ::setsockopt(
        socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(
          socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect");
}

TestClient::~TestClient() {
  close();
}

void TestClient::close() {
  if (socket_ >= 0)
    ::close(socket_);
  socket_ = -1;
}

void TestClient::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void TestClient::half_close() {
  ::shutdown(socket_, SHUT_WR);
}

bool TestClient::send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n =
        ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0)
      return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

bool TestClient::fill(std::chrono::steady_clock::time_point limit) {
  if (ended_)
    return false;
  const auto left = std::chrono::duration_cast<Milliseconds>(
      limit - std::chrono::steady_clock::now());
  pollfd look{.fd = socket_, .events = POLLIN, .revents = 0};
  if (::poll(&look, 1, static_cast<int>(std::max<int64_t>(left.count(), 0))) <=
      0)
    return false;
  char block[16384];
  const ssize_t n = ::recv(socket_, block, sizeof block, 0);
  if (n <= 0) {
    ended_ = true;
    return false;
  }
  received_.append(block, static_cast<size_t>(n));
  return true;
}

std::string TestClient::read_until(const std::string& end, Milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (received_.find(end) == std::string::npos && fill(until)) {
  }
  const size_t found = received_.find(end);
  const size_t size =
      found == std::string::npos ? received_.size() : found + end.size();
  const std::string out = received_.substr(0, size);
  received_.erase(0, size);
  return out;
}

bool TestClient::wait_closed(Milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (fill(until)) {
  }
  return ended_;
}

TestResponse TestClient::response(bool head, Milliseconds limit) {
  TestResponse out;
  std::string text = read_until("\r\n\r\n", limit);
  if (!text.ends_with("\r\n\r\n") || !text.starts_with("HTTP/1.1 "))
    return out;
  out.status = std::stoi(text.substr(9));
  size_t at = text.find("\r\n") + 2;
  while (at + 2 < text.size()) {
    const size_t end = text.find("\r\n", at);
    const size_t colon = text.find(": ", at);
    std::string name = text.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    out.headers[name] = text.substr(colon + 2, end - colon - 2);
    at = end + 2;
  }
  if (head || out.status == 204) {
    out.whole = true;
    return out;
  }
  const auto until = std::chrono::steady_clock::now() + limit;
  const auto bytes = [&](size_t size) {
    while (received_.size() < size && fill(until)) {
    }
    const std::string part = received_.substr(0, size);
    received_.erase(0, part.size());
    return part;
  };
  if (out.headers.contains("content-length")) {
    const size_t size = std::stoull(out.headers["content-length"]);
    out.body = bytes(size);
    out.whole = out.body.size() == size;
  } else if (out.headers.contains("transfer-encoding")) {
    while (true) {
      const std::string line = read_until("\r\n", limit);
      if (!line.ends_with("\r\n"))
        return out;
      const size_t size = std::stoull(line, nullptr, 16);
      out.body += bytes(size);
      if (bytes(2) != "\r\n")
        return out;
      if (size == 0)
        break;
    }
    out.whole = true;
  } else {
    while (fill(until)) {
    }
    out.body = std::exchange(received_, {});
    out.whole = ended_;
  }
  return out;
}

std::string get(const std::string& path, const std::string& headers) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

std::string post(
    const std::string& path,
    const std::string& body,
    const std::string& headers) {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
}

}  // namespace hadal::testing
