// On what machine numbers were taken, and whether it was ours alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hadal {

struct MachineInfo {
  std::string processor;  // "AMD EPYC ...", "unknown" where it cannot be told
  int cores = 0;          // that this process may use
  uint64_t memory_bytes = 0;
  double load = 0;  // of the last minute, when it was asked for
};

MachineInfo examine_machine();

// Watches, from its construction on, what others do on the cores that this
// process may use.
class OthersWatch {
 public:
  OthersWatch();

  // The share of these cores' time that others took since then, 0 to 1; 0 where
  // the system does not tell. Times come in steps of 10 ms.
  double share() const;

 private:
  double busy_seconds_;  // of the cores
  double own_seconds_;
  std::chrono::steady_clock::time_point start_;
};

// Beyond it a row carries a warning.
inline constexpr double kOthersLimit = 0.05;

}  // namespace hadal
