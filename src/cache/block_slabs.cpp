#include "cache/block_slabs.h"

#include <algorithm>
#include <new>

namespace hadal {
namespace {

constexpr int64_t kSlabBytes = int64_t{2} << 20;  // a huge page

}  // namespace

BlockSlabs::~BlockSlabs() {
  for (const auto& slab : slabs_)
    memory_.release(slab->memory, static_cast<size_t>(slab->bytes));
}

std::byte* BlockSlabs::take(int64_t bytes, BlockSlab*& slab) {
  if (open_.empty()) {
    const int64_t blocks = std::max<int64_t>(1, kSlabBytes / bytes);
    auto made = std::make_unique<BlockSlab>();
    made->bytes = blocks * bytes;
    made->free.reserve(static_cast<size_t>(blocks));
    slabs_.reserve(slabs_.size() + 1);
    open_.reserve(slabs_.size() + 1);  // give() must not need memory
    made->memory = memory_.allocate(static_cast<size_t>(made->bytes));
    if (made->memory == nullptr)
      throw std::bad_alloc();
    // From the end, so that the first ones are taken first.
    for (int64_t i = blocks; i > 0; --i)
      made->free.push_back(made->memory + (i - 1) * bytes);
    slabs_.push_back(std::move(made));
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
  memory_.release(slab->memory, static_cast<size_t>(slab->bytes));
  std::erase(open_, slab);
  std::erase_if(slabs_, [&](const auto& one) { return one.get() == slab; });
}

}  // namespace hadal
