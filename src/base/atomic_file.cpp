#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "hadal/error.h"

namespace hadal {
namespace {

// The mode that a plain open() would give: mkstemp makes files private.
mode_t default_mode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

// What the names of unfinished files have after the file's own name, before six
// letters or digits.
constexpr std::string_view kBeside = ".part-";

// A rename is durable once its folder is; not every file system can do that.
void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  std::string name = path_.string() + std::string(kBeside) + "XXXXXX";
  fd_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd_ < 0)
    fail("create a file for");
  beside_ = name;
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0)
    ::close(fd_);
  if (!beside_.empty())
    ::unlink(beside_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      fail("write");
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void AtomicFile::commit() {
  if (::fchmod(fd_, default_mode()) != 0 || ::fsync(fd_) != 0)
    fail("write");
  if (::close(std::exchange(fd_, -1)) != 0)
    fail("write");
  if (::rename(beside_.c_str(), path_.c_str()) != 0)
    fail("replace");
  beside_.clear();
  const std::filesystem::path folder = path_.parent_path();
  sync_folder(folder.empty() ? "." : folder);
}

void AtomicFile::remove_abandoned(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  const std::string begin = path.filename().string() + std::string(kBeside);
  std::error_code none;
  std::filesystem::directory_iterator files(
      folder.empty() ? "." : folder, none);
  for (const auto end = std::filesystem::directory_iterator(); files != end;) {
    const std::filesystem::path file = files->path();
    files.increment(none);
    const std::string name = file.filename().string();
    if (name.size() == begin.size() + 6 && name.starts_with(begin))
      std::filesystem::remove(file, none);
  }
}

void AtomicFile::fail(const char* action) const {
  throw Error(
      ErrorCode::io,
      path_.string() + ": cannot " + action + ": " + std::strerror(errno));
}

}  // namespace hadal
