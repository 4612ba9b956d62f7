#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "hadal/error.h"

namespace hadal {
namespace {

[[noreturn]] void fail(
    const std::filesystem::path& path, const char* action, int error) {
  throw Error(
      error == ENOENT ? ErrorCode::not_found : ErrorCode::io,
      path.string() + ": cannot " + action + ": " + std::strerror(error));
}

// Closes a descriptor at the end of a scope; a mapping outlives it.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0)
    fail(path, "open", errno);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0)
    fail(path, "stat", errno);
  if (S_ISDIR(info.st_mode))
    fail(path, "read", EISDIR);
  size_ = static_cast<size_t>(info.st_size);
  if (size_ == 0)
    return;
  void* const address =
      ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd, 0);
  if (address == MAP_FAILED)
    fail(path, "map", errno);
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr)
    ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace hadal
