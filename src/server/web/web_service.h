// The page in front of another service: GET and HEAD of its files are answered
// here, everything else is passed on.
//
//   WebService service(api);
//   http_options.open_paths gets web_file_paths(), else nobody could enter a
//   key.
#pragma once

#include <memory>
#include <string>

#include "server/service.h"

namespace hadal {

class WebService : public Service {
 public:
  // `next` must outlive this.
  explicit WebService(Service& next) : next_(next) {}

  // With ETag and the page's policy; 304 when the client has the file. The
  // browser asks each time whether a file changed (no-cache), so that the parts
  // of two versions never mix.
  std::unique_ptr<Reply> handle(HttpRequest request) override;
  std::string error_body(
      int status,
      const std::string& message,
      const std::string& path) const override {
    return next_.error_body(status, message, path);
  }

 private:
  Service& next_;
};

}  // namespace hadal
