#include "server/http/access_rules.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace hadal {
namespace {

constexpr std::string_view kMethods = "GET, HEAD, POST, DELETE, OPTIONS";
constexpr std::array<std::string_view, 5> kKnownMethods = {
    "GET", "HEAD", "POST", "DELETE", "OPTIONS"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// "127.1.2.3": a literal address, not a name that begins like one.
bool is_loopback_literal(std::string_view host) {
  return host == "[::1]" ||
         (host.starts_with("127.") &&
          host.find_first_not_of("0123456789.") == std::string_view::npos);
}

// The host of "https://chat.example:8443", with its port.
std::string_view origin_host(std::string_view origin) {
  const size_t slashes = origin.find("://");
  return slashes == std::string_view::npos ? std::string_view()
                                           : origin.substr(slashes + 3);
}

// The key that the request shows; empty when it shows none.
std::string_view presented_key(const RequestHead& head) {
  const std::string_view authorization = head.header("authorization");
  constexpr std::string_view kBearer = "bearer ";
  if (lower(authorization.substr(0, kBearer.size())) == kBearer) {
    std::string_view key = authorization.substr(kBearer.size());
    while (key.starts_with(' '))
      key.remove_prefix(1);
    return key;
  }
  return head.header("x-api-key");
}

// A header of the request that goes back into the answer.
bool is_header_list(const std::string& text) {
  return text.size() <= 2048 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ',' ||
                  c == ' ';
         });
}

void add_preflight_headers(const RequestHead& head, Admission& admission) {
  auto& headers = admission.headers;
  headers.emplace_back("Access-Control-Allow-Methods", kMethods);
  const std::string& wanted = head.header("access-control-request-headers");
  if (!wanted.empty() && is_header_list(wanted))
    headers.emplace_back("Access-Control-Allow-Headers", wanted);
  if (head.header("access-control-request-private-network") == "true")
    headers.emplace_back("Access-Control-Allow-Private-Network", "true");
  headers.emplace_back("Access-Control-Max-Age", "600");
}

}  // namespace

std::string host_without_port(std::string_view host) {
  const size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket == std::string_view::npos)
    return lower(host);
  std::string name = lower(host.substr(0, host.find(':', bracket)));
  if (name.ends_with('.'))
    name.pop_back();
  return name;
}

AccessRules::AccessRules(const HttpServerOptions& options, bool loopback)
    : options_(options), check_host_(loopback || !options.host_names.empty()) {}

// Under names that the user gave, nothing else is reached.
bool AccessRules::is_host_name(std::string_view host) const {
  const std::string name = host_without_port(host);
  return std::any_of(
      options_.host_names.begin(),
      options_.host_names.end(),
      [&name](const std::string& own) {
        return host_without_port(own) == name;
      });
}

bool AccessRules::is_own_name(std::string_view host) const {
  const std::string name = host_without_port(host);
  return name == "localhost" || name.ends_with(".localhost") ||
         is_loopback_literal(name) ||
         name == host_without_port(options_.host) ||
         name == host_without_port("[" + options_.host + "]") ||
         is_host_name(host);
}

bool AccessRules::is_allowed_origin(const std::string& origin) const {
  return std::any_of(
      options_.cors_origins.begin(),
      options_.cors_origins.end(),
      [&origin](const std::string& allowed) {
        return allowed == "*" || lower(allowed) == lower(origin);
      });
}

bool AccessRules::is_open(const std::string& path) const {
  return std::find(
             options_.open_paths.begin(), options_.open_paths.end(), path) !=
         options_.open_paths.end();
}

Admission AccessRules::admit(
    const RequestHead& head, const std::string& address) const {
  Admission out{.client = address};
  const auto refuse = [&out](int status, std::string message) {
    out.status = status;
    out.message = std::move(message);
    return out;
  };

  const std::string& host = head.header("host");
  if (check_host_ && !host.empty() && !is_own_name(host))
    return refuse(
        403,
        "this server is not known as " + host_without_port(host) +
            "; start it with --host-name to change that");

  // A page of the server itself needs no permission, even when a proxy replaced
  // the name in Host.
  const std::string& origin = head.header("origin");
  const bool foreign = !origin.empty() &&
                       lower(origin_host(origin)) != lower(host) &&
                       !is_host_name(origin_host(origin));
  if (!options_.cors_origins.empty())
    out.headers.emplace_back("Vary", "Origin");
  if (foreign && is_allowed_origin(origin)) {
    out.headers.emplace_back("Access-Control-Allow-Origin", origin);
    out.headers.emplace_back(
        "Access-Control-Expose-Headers", "Retry-After, X-Request-Id");
  } else if (
      foreign && (options_.api_keys.empty() || head.method == "OPTIONS")) {
    // Browsers hide the answer from the page, but a request that has an effect
    // must not have it either. With keys the page lacks one.
    return refuse(
        403,
        "web pages of this origin may not use the server; start it with "
        "--cors to change that");
  }

  if (head.method == "OPTIONS") {
    if (foreign && !head.header("access-control-request-method").empty())
      add_preflight_headers(head, out);
    else
      out.headers.emplace_back("Allow", kMethods);
    return refuse(204, "");
  }
  if (std::find(kKnownMethods.begin(), kKnownMethods.end(), head.method) ==
      kKnownMethods.end()) {
    out.headers.emplace_back("Allow", kMethods);
    return refuse(405, "no route takes this method");
  }

  if (options_.api_keys.empty())
    return out;
  const std::string_view key = presented_key(head);
  if (!key.empty()) {
    if (const std::string* name = find_api_key(options_.api_keys, key)) {
      out.client = *name;
      out.key_name = *name;
      return out;
    }
  }
  if (is_open(head.path) && (head.method == "GET" || head.method == "HEAD"))
    return out;
  out.headers.emplace_back("WWW-Authenticate", "Bearer");
  return refuse(
      401,
      key.empty() ? "no API key; send it as Authorization: Bearer KEY or as "
                    "x-api-key: KEY"
                  : "the API key is not valid");
}

}  // namespace hadal
