// What the blocks of a cluster (capability 9.0) say to each other. The quick
// way: numbers are stored in another block's shared memory, and a barrier there
// counts their bytes; the receiver waits for the bytes, nobody for all blocks.
// The simple way: a barrier of all blocks, then loads from their memory.
#pragma once

#include <cstdint>

namespace hadal::cuda {

#if __CUDA_ARCH__ >= 900

// 64 bits in shared memory; a phase ends when expect_bytes() was called and the
// bytes are there. Phases have parity 0, 1, 0, ...
using ByteBarrier = uint64_t;

__device__ inline uint32_t shared_address(const void* data) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(data));
}

__device__ inline uint32_t cluster_rank() {
  uint32_t rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

// By one thread, for its own block, before start_cluster().
__device__ inline void init_barrier(ByteBarrier* barrier) {
  asm volatile(
      "mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(barrier)));
}

// By every thread of the cluster: returns when all blocks have begun and their
// barriers are made.
__device__ inline void start_cluster() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("barrier.cluster.arrive.relaxed;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
}

// By one thread, for its own block, once a phase.
__device__ inline void expect_bytes(ByteBarrier* barrier, uint32_t bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                   shared_address(barrier)),
               "r"(bytes)
               : "memory");
}

// Returns when the phase of this parity has ended; its numbers are then seen.
__device__ inline void wait_for_bytes(ByteBarrier* barrier, uint32_t parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], "
      "%1;\n"
      "@!done bra again;\n"
      "}\n" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
}

// Stores `value` where block `rank` has `to`, and counts four bytes at its
// `barrier`; both are addresses of this block's own.
__device__ inline void send_to_block(
    uint32_t rank, float* to, ByteBarrier* barrier, float value) {
  uint32_t there;
  uint32_t barrier_there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;"
      : "=r"(there)
      : "r"(shared_address(to)), "r"(rank));
  asm("mapa.shared::cluster.u32 %0, %1, %2;"
      : "=r"(barrier_there)
      : "r"(shared_address(barrier)), "r"(rank));
  asm volatile(
      "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.f32 [%0], "
      "%1, [%2];" ::"r"(there),
      "f"(value),
      "r"(barrier_there)
      : "memory");
}

// By every thread of the cluster: what each wrote to its block's shared memory
// before is seen by all after.
__device__ inline void cluster_barrier() {
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
}

// What block `rank` has where this block has `from`.
__device__ inline uint64_t load_from_block(
    uint32_t rank, const uint64_t* from) {
  uint32_t there;
  uint64_t value;
  asm("mapa.shared::cluster.u32 %0, %1, %2;"
      : "=r"(there)
      : "r"(shared_address(from)), "r"(rank));
  asm volatile("ld.shared::cluster.u64 %0, [%1];"
               : "=l"(value)
               : "r"(there)
               : "memory");
  return value;
}

#endif

}  // namespace hadal::cuda
