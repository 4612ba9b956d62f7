#include "base/huge_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace hadal {

HugeMemory::HugeMemory(size_t bytes) : size_(bytes) {
  if (bytes == 0)
    return;
  // One page more, so that an aligned range can be cut out; its ends go back.
  const size_t rounded =
      (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  const size_t mapped = rounded + kHugePageBytes;
  if (mapped < bytes)
    throw std::bad_alloc();
  void* const start = mmap(
      nullptr,
      mapped,
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
      -1,
      0);
  if (start == MAP_FAILED)
    throw std::bad_alloc();
  std::byte* const first = static_cast<std::byte*>(start);
  const size_t beyond = reinterpret_cast<uintptr_t>(first) % kHugePageBytes;
  const size_t before = beyond == 0 ? 0 : kHugePageBytes - beyond;
  if (before > 0)
    munmap(first, before);
  munmap(first + before + rounded, kHugePageBytes - before);
  data_ = first + before;
#if defined(MADV_HUGEPAGE)
  madvise(data_, rounded, MADV_HUGEPAGE);
#endif
}

HugeMemory::~HugeMemory() {
  if (data_ != nullptr)
    munmap(
        data_, (size_ + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes);
}

}  // namespace hadal
