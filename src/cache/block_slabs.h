// Blocks of one size, side by side in huge pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/huge_memory.h"

namespace hadal {

// Memory that holds several blocks of one size.
struct BlockSlab {
  HugeMemory memory;
  std::vector<std::byte*> free;
  int64_t taken = 0;
};

// Not safe across threads.
class BlockSlabs {
 public:
  // A block of `bytes`, a multiple of 64; `slab` is set to the one it comes
  // from. Throws std::bad_alloc.
  std::byte* take(int64_t bytes, BlockSlab*& slab);
  // Blocks are given back by give(); a slab without taken blocks goes back to
  // the system.
  void give(std::byte* block, BlockSlab* slab) noexcept;

 private:
  std::vector<std::unique_ptr<BlockSlab>> slabs_;
  std::vector<BlockSlab*> open_;  // those with free blocks
};

}  // namespace hadal
