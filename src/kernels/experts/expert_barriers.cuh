// Barriers in shared memory on which copies arrive, and copies that arrive on
// them (capability 9.0).
#pragma once

#include <cstdint>

namespace hadal::cuda {

__device__ inline uint32_t shared_address(const void* shared) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

__device__ inline void make_barrier(uint64_t* barrier, int arrivals) {
  asm volatile(
      "mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(arrivals)
      : "memory");
}

// What was made is seen by the copies, too.
__device__ inline void publish_barriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}

__device__ inline void arrive(uint64_t* barrier) {
  asm volatile(
      "mbarrier.arrive.shared.b64 _, [%0];" ::"r"(shared_address(barrier))
      : "memory");
}

// Arrives; the phase ends when `bytes` have arrived as well.
__device__ inline void arrive_for_bytes(uint64_t* barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(
                   shared_address(barrier)),
               "r"(bytes)
               : "memory");
}

// Waits for the end of the phase of this parity.
__device__ inline void wait_for_barrier(uint64_t* barrier, int parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared.b64 done, [%0], %1;\n"
      "@done bra ended;\n"
      "bra again;\n"
      "ended:\n"
      "}\n" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
}

// A multiple of 16 bytes between multiples of 16.
__device__ inline void copy_bulk(
    void* shared, const void* global, int bytes, uint64_t* barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1], %2, [%3];" ::"r"(shared_address(shared)),
      "l"(global),
      "r"(bytes),
      "r"(shared_address(barrier))
      : "memory");
}

}  // namespace hadal::cuda
