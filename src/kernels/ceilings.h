// What this machine can do at most: the roofs under which kernels are judged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/huge_memory.h"
#include "base/thread_team.h"

namespace hadal {

// The arithmetic that the kernels are made of. Each instruction set has its own
// way to do it: byte_dot is one instruction with AVX-512 VNNI, three with AVX2.
enum class Arithmetic : uint8_t {
  fp32_fma,   // float32 multiply-add
  bf16_dot,   // pairs of bfloat16 products summed in float32
  int16_dot,  // pairs of int16 products summed in int32
  int8_dot,   // four products of bytes summed in int32
};
inline constexpr int kArithmeticCount = 4;
std::string_view name(Arithmetic arithmetic);

struct Ceilings {
  // Highway's name of the target that ran; a GPU's name.
  std::string instruction_set;
  int threads = 0;
  // Sequential reading in huge pages, shared among the threads.
  double read_bytes_per_second = 0;
  // Operations per second of all threads together; a multiply-add counts two.
  // 0: the instruction set has no such instruction.
  double peaks[kArithmeticCount] = {};
  // Of a GPU, else 0: copying within its memory (bytes count twice), and from
  // pinned memory of the host.
  double copy_bytes_per_second = 0;
  double host_to_device_bytes_per_second = 0;

  double peak(Arithmetic arithmetic) const {
    return peaks[static_cast<int>(arithmetic)];
  }
};

// What is read must not fit into any cache.
inline constexpr size_t kCeilingReadBytes = size_t{512} << 20;

// Measures all of them for this team on the instruction set that the kernels
// would use; the best of several tries each. Takes about 0.5 s and `read_bytes`
// of memory (less where less than four times as many are free).
Ceilings measure_ceilings(
    ThreadTeam& team, size_t read_bytes = kCeilingReadBytes);

// Measures the read bandwidth again and again over the same memory: it drifts
// where a machine is shared, so timings want it from just before and just
// after.
class BandwidthProbe {
 public:
  // `team` outlives the probe.
  explicit BandwidthProbe(
      ThreadTeam& team, size_t read_bytes = kCeilingReadBytes);
  // Bytes a second: the best of several passes, about 0.1 s.
  double measure() const;

 private:
  ThreadTeam& team_;
  HugeMemory memory_;
};

double measure_peak(Arithmetic arithmetic, ThreadTeam& team);

}  // namespace hadal
