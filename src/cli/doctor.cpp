// hadal doctor: what this machine can do, and whether every kernel computes on
// it what the reference computes.
#include <fmt/format.h>
#include <hwy/highway.h>

#include <spdlog/version.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/memory_info.h"
#include "base/readable.h"
#include "base/thread_team.h"
#include "checkpoint/model_location.h"
#include "cli/exit_codes.h"
#include "cli/verbs.h"
#include "hadal/error.h"
#include "hadal/version.h"
#include "kernels/backend.h"
#include "kernels/kernel_check.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

struct DoctorFlags {
  int threads = 0;
  bool all_cases = false;
  bool json = false;
};

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
};

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  return "unknown";
}

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

Machine examine() {
  return {
      .processor = processor_name(),
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
  line("devices", "cpu (this build has neither CUDA nor MLX)");
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

// The cases of one kernel together.
struct KernelSummary {
  std::string name;
  size_t cases = 0;
  size_t failed = 0;
  double worst = 0;  // max_error as a share of its tolerance
  double seconds = 0;
  double seconds_reference = 0;
};

double share_of_tolerance(const KernelCheck& check) {
  if (check.max_error == 0)
    return 0;
  return check.max_error / check.tolerance;  // infinite when bits must match
}

std::vector<KernelSummary> summarise(const std::vector<KernelCheck>& checks) {
  std::vector<KernelSummary> summaries;
  for (const KernelCheck& check : checks) {
    auto found = std::find_if(
        summaries.begin(), summaries.end(), [&check](const KernelSummary& s) {
          return s.name == check.kernel;
        });
    if (found == summaries.end())
      found = summaries.insert(found, {.name = check.kernel});
    KernelSummary& summary = *found;
    ++summary.cases;
    summary.failed += check.ok ? 0 : 1;
    summary.worst = std::max(summary.worst, share_of_tolerance(check));
    summary.seconds += check.seconds;
    summary.seconds_reference += check.seconds_reference;
  }
  return summaries;
}

void print_kernels(const std::vector<KernelCheck>& checks, bool all_cases) {
  std::cout << fmt::format(
      "\n{:<24} {:>5} {:>16} {:>12} {:>12}\n",
      "kernel",
      "cases",
      "error/tolerance",
      "cpu",
      "reference");
  for (const KernelSummary& summary : summarise(checks))
    std::cout << fmt::format(
        "{:<24} {:>5} {:>16.3f} {:>9.2f} ms {:>9.2f} ms  {}\n",
        summary.name,
        summary.cases,
        summary.worst,
        summary.seconds * 1e3,
        summary.seconds_reference * 1e3,
        summary.failed == 0 ? "ok" : fmt::format("{} FAILED", summary.failed));
  for (const KernelCheck& check : checks)
    if (all_cases || !check.ok)
      std::cout << fmt::format(
          "{:<6} {}: {}: error {:.3g}, tolerance {:.3g}, {:.3f} ms, reference "
          "{:.3f} ms\n",
          check.ok ? "ok" : "FAILED",
          check.kernel,
          check.case_name,
          check.max_error,
          check.tolerance,
          check.seconds * 1e3,
          check.seconds_reference * 1e3);
}

Json report_json(
    const Machine& machine, const std::vector<KernelCheck>& checks, bool pass) {
  Json out = {
      {"version", version()},
      {"pass", pass},
      {"processor", machine.processor},
      {"cores", machine.cores},
      {"memory",
       {{"total_bytes", machine.memory.total_bytes},
        {"available_bytes", machine.memory.available_bytes}}},
      {"instruction_sets", machine.instruction_sets},
      {"devices", {"cpu"}}};
  for (const Library& library : machine.libraries)
    out["libraries"][library.name] = library.version;
  out["nano_model"] =
      machine.nano_model.empty() ? Json(nullptr) : Json(machine.nano_model);
  out["kernels"] = Json::array();
  for (const KernelCheck& check : checks)
    out["kernels"].push_back(
        {{"kernel", check.kernel},
         {"case", check.case_name},
         {"backend", cpu_backend().name},
         {"ok", check.ok},
         {"max_error", check.max_error},
         {"tolerance", check.tolerance},
         {"seconds", check.seconds},
         {"seconds_reference", check.seconds_reference}});
  return out;
}

int run(const DoctorFlags& flags) {
  const Machine machine = examine();
  if (!flags.json) {
    print_machine(machine);
    std::cout << std::flush;
  }
  ThreadTeam team(flags.threads > 0 ? flags.threads : machine.cores);
  const std::vector<KernelCheck> checks = check_backend(cpu_backend(), team);
  const bool pass =
      std::all_of(checks.begin(), checks.end(), [](const KernelCheck& check) {
        return check.ok;
      });
  if (flags.json)
    std::cout << report_json(machine, checks, pass).dump(2) << "\n";
  else
    print_kernels(checks, flags.all_cases);
  return pass ? kSuccess : kFailed;
}

}  // namespace

Run add_doctor(CLI::App& app) {
  auto flags = std::make_shared<DoctorFlags>();
  app.add_option("--threads", flags->threads, "Threads; default: every core")
      ->envname("HADAL_THREADS")
      ->check(CLI::Range(1, kMaxThreads))
      ->option_text("N");
  app.add_flag("--cases", flags->all_cases, "Show every case of every kernel");
  app.add_flag("--json", flags->json, "Print JSON (docs/cli.md)");
  app.footer(
      "Exit status 1 when a kernel differs from the reference.\n\n"
      "Example:\n  hadal doctor --cases");
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
