// What this machine can do at most: the roofs under which kernels are judged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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
  std::string instruction_set;  // Highway's name of the target that ran
  int threads = 0;
  // Sequential reading of 512 MB in huge pages, shared among the threads.
  double read_bytes_per_second = 0;
  // Operations per second of all threads together; a multiply-add counts two.
  // 0: the instruction set has no such instruction.
  double peaks[kArithmeticCount] = {};

  double peak(Arithmetic arithmetic) const {
    return peaks[static_cast<int>(arithmetic)];
  }
};

// Measures all of them for this team on the instruction set that the kernels
// would use; the best of several tries each. Takes about 0.5 s and 512 MB (less
// where less than 2 GB are free).
Ceilings measure_ceilings(ThreadTeam& team);

// The parts, for those who need one.
double measure_read_bandwidth(ThreadTeam& team);
double measure_peak(Arithmetic arithmetic, ThreadTeam& team);

}  // namespace hadal
