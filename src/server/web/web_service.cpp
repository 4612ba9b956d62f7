#include "server/web/web_service.h"

#include <utility>

#include "server/web/web_files.h"

namespace hadal {
namespace {

class FileReply : public Reply {
 public:
  FileReply(const WebFile& file, bool known) : file_(file), known_(known) {}

  int status() const override { return known_ ? 304 : 200; }
  std::string content_type() const override {
    return std::string(file_.content_type);
  }
  std::vector<std::pair<std::string, std::string>> headers() const override {
    return {
        {"Content-Security-Policy", std::string(kWebSecurityPolicy)},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cache-Control", "no-cache"},
        {"ETag", std::string(file_.etag)}};
  }
  bool is_stream() const override { return false; }
  void start(std::function<void()> ready) override { ready(); }
  BodyPiece take() override {
    if (known_)
      return {{}, true, false};
    return {std::string(file_.bytes), true, false};
  }
  std::string keep_alive() override { return {}; }

 private:
  const WebFile& file_;
  bool known_;  // the client has it
};

// If-None-Match is "*" or a list of tags; a weak tag (W/"x") matches as well.
bool client_has(const HttpRequest& request, const WebFile& file) {
  auto found = request.headers.find("if-none-match");
  if (found == request.headers.end())
    return false;
  return found->second == "*" ||
         found->second.find(file.etag) != std::string::npos;
}

}  // namespace

std::unique_ptr<Reply> WebService::handle(HttpRequest request) {
  if (request.method == "GET" || request.method == "HEAD") {
    if (const WebFile* file = find_web_file(request.path))
      return std::make_unique<FileReply>(*file, client_has(request, *file));
  }
  return next_.handle(std::move(request));
}

}  // namespace hadal
