// This machine and the libraries of this build.
#include <fmt/format.h>
#include <hwy/highway.h>

#include <spdlog/version.h>
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/readable.h"
#include "base/thread_team.h"
#include "bench/machine.h"
#include "checkpoint/model_location.h"
#include "cli/doctor/report.h"
#include "hadal/error.h"
#include "hadal/version.h"

namespace hadal::cli {
namespace {

// Those that the kernels are built for and this processor has. "EMU128" is
// plain C++.
std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  const int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t bit = 1; bit != 0 && bit <= HWY_TARGETS; bit <<= 1)
    if ((supported & bit) != 0)
      names.emplace_back(hwy::TargetName(bit));
  return names;
}

std::string bundled_model_path() {
  try {
    return bundled_model().string();
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

Machine examine_doctor_machine() {
  Machine machine{
      .processor = examine_machine().processor,
      .cores = available_cores(),
      .memory = memory_info(),
      .instruction_sets = instruction_sets(),
      .libraries =
          {{"Highway",
            fmt::format("{}.{}.{}", HWY_MAJOR, HWY_MINOR, HWY_PATCH)},
           {"fmt",
            fmt::format(
                "{}.{}.{}",
                FMT_VERSION / 10000,
                FMT_VERSION / 100 % 100,
                FMT_VERSION % 100)},
           {"nlohmann-json",
            fmt::format(
                "{}.{}.{}",
                NLOHMANN_JSON_VERSION_MAJOR,
                NLOHMANN_JSON_VERSION_MINOR,
                NLOHMANN_JSON_VERSION_PATCH)},
           {"CLI11", CLI11_VERSION},
           {"spdlog",
            fmt::format(
                "{}.{}.{}",
                SPDLOG_VER_MAJOR,
                SPDLOG_VER_MINOR,
                SPDLOG_VER_PATCH)}},
      .nano_model = bundled_model_path()};
  machine.no_gpu = why_no_cuda();
  if (machine.no_gpu.empty())
    machine.gpu = examine_gpu();
  return machine;
}

void print_machine(const Machine& machine) {
  const auto line = [](const char* what, const std::string& value) {
    std::cout << fmt::format("{:<18} {}\n", what, value);
  };
  line("hadal", std::string(version()));
  line("processor", machine.processor);
  line("cores", std::to_string(machine.cores));
  line(
      "memory",
      fmt::format(
          "{}, {} available",
          readable_bytes(machine.memory.total_bytes),
          readable_bytes(machine.memory.available_bytes)));
  line(
      "instruction sets",
      fmt::format("{}", fmt::join(machine.instruction_sets, ", ")));
  line("devices", machine.gpu ? "cpu, cuda" : "cpu");
  if (machine.gpu)
    line(
        "GPU",
        fmt::format(
            "{}, capability {}, {} of {} free; the driver knows CUDA {}, this "
            "build has {}",
            machine.gpu->name,
            machine.gpu->capability,
            readable_bytes(static_cast<uint64_t>(machine.gpu->free_bytes)),
            readable_bytes(static_cast<uint64_t>(machine.gpu->memory_bytes)),
            machine.gpu->driver,
            machine.gpu->runtime));
  else
    line("GPU", "none: " + machine.no_gpu);
  std::string libraries;
  for (const Library& library : machine.libraries)
    libraries += fmt::format(
        "{}{} {}",
        libraries.empty() ? "" : ", ",
        library.name,
        library.version);
  line("libraries", libraries);
  line(
      "nano model",
      machine.nano_model.empty() ? "not found" : machine.nano_model);
}

}  // namespace hadal::cli
