// What a call of a kernel is named, and what it had to read and to compute.
// Internal to this folder.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/memory_source.h"
#include "bench/kernel_recorder.h"

namespace hadal {

// Arrays that kernels have written, as the host reads them.
class HostReads {
 public:
  explicit HostReads(MemorySource& memory) : memory_(memory) {}

  template <class T>
  std::vector<T> values(const T* from, int64_t count) const {
    std::vector<T> read(static_cast<size_t>(count));
    memory_.copy(read.data(), from, read.size() * sizeof(T));
    return read;
  }

 private:
  MemorySource& memory_;
};

// Each sets the name and adds to the sums; the call has ended.
void describe(const LinearParams&, const HostReads&, KernelUse&);
// Several products that run as one operation are named after the first kind of
// them and counted together.
void describe(std::span<const LinearParams>, const HostReads&, KernelUse&);
void describe(const ExpertsParams&, const HostReads&, KernelUse&);
void describe(const RouterParams&, const HostReads&, KernelUse&);
void describe(const RmsNormParams&, const HostReads&, KernelUse&);
void describe(const RotaryParams&, const HostReads&, KernelUse&);
void describe(const HyperConnectionPreParams&, const HostReads&, KernelUse&);
void describe(const HyperConnectionPostParams&, const HostReads&, KernelUse&);
void describe(
    const HyperConnectionBetweenParams&, const HostReads&, KernelUse&);
void describe(const HyperConnectionHeadParams&, const HostReads&, KernelUse&);
void describe(const Fp8RoundTripParams&, const HostReads&, KernelUse&);
void describe(const HadamardFp4Params&, const HostReads&, KernelUse&);
void describe(const CompressorPoolParams&, const HostReads&, KernelUse&);
void describe(const IndexerParams&, const HostReads&, KernelUse&);
void describe(const SparseAttentionParams&, const HostReads&, KernelUse&);
void describe(std::span<const CompressParams>, const HostReads&, KernelUse&);
void describe(std::span<const StoreRowsParams>, const HostReads&, KernelUse&);
void describe(std::span<const FinishRowsParams>, const HostReads&, KernelUse&);
void describe(const EmbedParams&, const HostReads&, KernelUse&);
void describe(const AddToStreamsParams&, const HostReads&, KernelUse&);

// One operation of several sequences, each of which adds its share.
template <class Params>
void describe_each(
    std::span<const Params> all, const HostReads& reads, KernelUse& use) {
  for (const Params& params : all)
    describe(params, reads, use);
}
inline void describe(
    std::span<const IndexerParams> all,
    const HostReads& reads,
    KernelUse& use) {
  describe_each(all, reads, use);
}
inline void describe(
    std::span<const SparseAttentionParams> all,
    const HostReads& reads,
    KernelUse& use) {
  describe_each(all, reads, use);
}

}  // namespace hadal
