#include "cli/read_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/limits.h"
#include "hadal/error.h"
#include "text/utf8.h"

namespace hadal::cli {
namespace {

constexpr size_t kReadBytes = 1 << 16;

// Closes what was opened; standard input stays open.
struct InputFile {
  explicit InputFile(const std::filesystem::path& path)
      : standard_input(path == "-"),
        fd(standard_input ? STDIN_FILENO
                          : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~InputFile() {
    if (fd >= 0 && !standard_input)
      ::close(fd);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  bool standard_input;
  int fd;
};

}  // namespace

std::string read_text(const std::filesystem::path& path) {
  const std::string shown = path == "-" ? "standard input" : path.string();
  const auto fail = [&shown](const char* action) {
    throw Error(
        errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
        fmt::format("{}: cannot {}: {}", shown, action, std::strerror(errno)));
  };
  const InputFile file(path);
  if (file.fd < 0)
    fail("open");
  std::string text;
  while (true) {
    const size_t before = text.size();
    text.resize(before + kReadBytes);
    const ssize_t n = ::read(file.fd, text.data() + before, kReadBytes);
    if (n < 0 && errno != EINTR)
      fail("read");
    text.resize(before + static_cast<size_t>(n > 0 ? n : 0));
    if (n < 0)
      throw Error(ErrorCode::cancelled, "interrupted while reading " + shown);
    if (n == 0)
      return text;
    if (text.size() > kMaxPromptBytes)
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format(
              "{}: more than {} bytes, which is the limit of a prompt",
              shown,
              kMaxPromptBytes));
  }
}

void require_utf8(std::string_view text, std::string_view what) {
  const size_t valid = valid_utf8_prefix(text);
  if (valid < text.size())
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "{}: byte {} (0x{:02x}) is not UTF-8; convert the text first, for "
            "example with iconv",
            what,
            valid,
            static_cast<unsigned char>(text[valid])));
}

}  // namespace hadal::cli
