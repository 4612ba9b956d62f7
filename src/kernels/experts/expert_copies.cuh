// Copies from device memory into shared memory that go on by themselves.
#pragma once

#include <cstdint>

namespace hadal::cuda {

// 16 bytes, 16-byte aligned; zeros, and nothing read, when not `exists`.
__device__ inline void copy_row_part(
    void* shared, const void* global, bool exists) {
  const auto to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile(
      "cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to),
      "l"(global),
      "r"(exists ? 16 : 0)
      : "memory");
}

// An aligned word.
__device__ inline void copy_word(void* shared, const void* global) {
  const auto to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(global)
               : "memory");
}

// What was copied since the last call is one batch.
__device__ inline void close_batch() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits until at most kLeft batches of this thread are on their way.
template <int kLeft>
__device__ void wait_for_batches() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
}

}  // namespace hadal::cuda
