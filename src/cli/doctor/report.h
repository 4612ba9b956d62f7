// What `hadal doctor` finds, and how it is shown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/memory_info.h"
#include "bench/kernel_times.h"
#include "executor/device.h"
#include "kernels/kernel_check.h"

namespace hadal::cli {

struct Library {
  std::string name;
  std::string version;
};

struct Machine {
  std::string processor;
  int cores = 0;
  MemoryInfo memory;
  std::vector<std::string> instruction_sets;  // best first, as built in
  std::vector<Library> libraries;
  std::string nano_model;  // "" when it is not found
  std::optional<GpuInfo> gpu;
  std::string no_gpu;  // why there is none that could be used
};

// The kernels of one backend.
struct BackendReport {
  std::string backend;  // "cpu", "cuda"
  std::vector<KernelCheck> checks;
  std::optional<KernelTimes> times;  // empty when they were left out
  std::string no_times;              // why they could not be taken
};

struct DoctorReport {
  Machine machine;
  std::vector<BackendReport> backends;
  bool pass = true;
};

Machine examine_doctor_machine();

void print_machine(const Machine& machine);
// One line a kernel, and one a case where it failed or all are wanted.
void print_kernels(const BackendReport& report, bool all_cases);
std::string doctor_json(const DoctorReport& report);

}  // namespace hadal::cli
