// Who may ask what: API keys, the names of the host, origins of web pages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/http_options.h"
#include "server/http/request_parser.h"

namespace hadal {

struct Admission {
  int status = 0;        // 0: the request goes on to the service
  std::string message;   // of a refusal; empty: an answer without a body
  std::string client;    // the key's name, else the address
  std::string key_name;  // empty without keys
  // Of the answer, whatever it is.
  std::vector<std::pair<std::string, std::string>> headers;
};

class AccessRules {
 public:
  // `loopback`: the server listens on an address of this machine only.
  AccessRules(const HttpServerOptions& options, bool loopback);

  Admission admit(const RequestHead& head, const std::string& address) const;

 private:
  bool is_host_name(std::string_view host) const;
  bool is_own_name(std::string_view host) const;
  bool is_allowed_origin(const std::string& origin) const;
  bool is_open(const std::string& path) const;

  HttpServerOptions options_;
  bool check_host_;
};

// "chat.example" of "Chat.example:8080", "[::1]" of "[::1]:8080".
std::string host_without_port(std::string_view host);

}  // namespace hadal
