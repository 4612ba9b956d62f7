// Blocks of one size, side by side in pieces of a huge page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/memory_source.h"

namespace hadal {

// Memory that holds several blocks of one size.
struct BlockSlab {
  std::byte* memory = nullptr;
  int64_t bytes = 0;
  std::vector<std::byte*> free;
  int64_t taken = 0;
};

// Not safe across threads.
class BlockSlabs {
 public:
  explicit BlockSlabs(MemorySource& memory) : memory_(memory) {}
  ~BlockSlabs();
  BlockSlabs(const BlockSlabs&) = delete;
  BlockSlabs& operator=(const BlockSlabs&) = delete;

  // A block of `bytes`, a multiple of 64; `slab` is set to the one it comes
  // from. Throws std::bad_alloc.
  std::byte* take(int64_t bytes, BlockSlab*& slab);
  // Blocks are given back by give(); a slab without taken blocks goes back to
  // the system.
  void give(std::byte* block, BlockSlab* slab) noexcept;

 private:
  MemorySource& memory_;
  std::vector<std::unique_ptr<BlockSlab>> slabs_;
  std::vector<BlockSlab*> open_;  // those with free blocks
};

}  // namespace hadal
