#include "convert/shard_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "hadal/error.h"

namespace hadal {

ShardFile::ShardFile(std::filesystem::path path, uint64_t bytes)
    : path_(std::move(path)), part_(path_) {
  part_ += ".part";
  fd_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0)
    fail("create", errno);
  // Reserves the space, so that a full disk shows before an hour of work. File
  // systems that cannot do it only set the size.
  const int error = ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
  if (error == ENOSPC) {
    ::unlink(part_.c_str());
    fail("reserve space for", error);
  }
  if (error != 0 && ::ftruncate(fd_, static_cast<off_t>(bytes)) != 0)
    fail("set the size of", errno);
}

ShardFile::~ShardFile() {
  if (fd_ >= 0)
    ::close(fd_);
}

void ShardFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n =
        ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      fail("write", errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
}

void ShardFile::commit() {
  if (::fsync(fd_) != 0)
    fail("sync", errno);
  ::close(fd_);
  fd_ = -1;
  if (::rename(part_.c_str(), path_.c_str()) != 0)
    fail("rename", errno);
  const int folder =
      ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void ShardFile::fail(const char* action, int error) const {
  const bool full = error == ENOSPC || error == EDQUOT;
  throw Error(
      full ? ErrorCode::resource : ErrorCode::io,
      part_.string() + ": cannot " + action + " it: " + std::strerror(error) +
          (full ? "; make space and run the same command again, it goes on "
                  "where it stopped"
                : ""));
}

}  // namespace hadal
