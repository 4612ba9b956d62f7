#include "base/memory_source.h"

#include <cstdlib>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/huge_memory.h"

namespace hadal {
namespace {

class HostMemory : public MemorySource {
 public:
  std::byte* allocate(size_t bytes) noexcept override {
    if (bytes < HugeMemory::kHugePageBytes)
      return static_cast<std::byte*>(
          std::aligned_alloc(64, (bytes + 63) / 64 * 64));
    try {
      HugeMemory memory(bytes);
      std::byte* const data = memory.data();
      const std::lock_guard lock(mutex_);
      large_.emplace(data, std::move(memory));
      return data;
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  void release(std::byte* data, size_t bytes) noexcept override {
    if (bytes < HugeMemory::kHugePageBytes) {
      std::free(data);
      return;
    }
    const std::lock_guard lock(mutex_);
    large_.erase(data);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::byte*, HugeMemory> large_;
};

}  // namespace

MemorySource& host_memory() {
  static HostMemory source;
  return source;
}

}  // namespace hadal
