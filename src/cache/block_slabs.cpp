#include "cache/block_slabs.h"

#include <algorithm>

namespace hadal {

std::byte* BlockSlabs::take(int64_t bytes, BlockSlab*& slab) {
  if (open_.empty()) {
    constexpr auto kSlabBytes =
        static_cast<int64_t>(HugeMemory::kHugePageBytes);
    const int64_t blocks = std::max<int64_t>(1, kSlabBytes / bytes);
    auto made = std::make_unique<BlockSlab>();
    made->memory = HugeMemory(static_cast<size_t>(blocks * bytes));
    // From the end, so that the first ones are taken first.
    for (int64_t i = blocks; i > 0; --i)
      made->free.push_back(made->memory.data() + (i - 1) * bytes);
    slabs_.push_back(std::move(made));
    open_.reserve(slabs_.size());  // give() must not need memory
    open_.push_back(slabs_.back().get());
  }
  slab = open_.back();
  std::byte* const block = slab->free.back();
  slab->free.pop_back();
  ++slab->taken;
  if (slab->free.empty())
    open_.pop_back();
  return block;
}

void BlockSlabs::give(std::byte* block, BlockSlab* slab) noexcept {
  if (slab->free.empty())
    open_.push_back(slab);
  slab->free.push_back(block);
  if (--slab->taken > 0)
    return;
  std::erase(open_, slab);
  std::erase_if(slabs_, [&](const auto& one) { return one.get() == slab; });
}

}  // namespace hadal
