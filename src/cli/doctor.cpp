// hadal doctor: what this machine can do, whether every kernel computes on it
// what the reference computes, and how near each comes to the machine's limits.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "base/limits.h"
#include "base/thread_team.h"
#include "cli/doctor/report.h"
#include "cli/exit_codes.h"
#include "cli/verbs.h"
#include "hadal/error.h"
#include "kernels/backend.h"

namespace hadal::cli {
namespace {

struct DoctorFlags {
  int threads = 0;
  bool all_cases = false;
  bool no_times = false;
  bool json = false;
};

// Too little memory for the timed shapes is no failure of the machine.
void add_times(
    BackendReport& report, int threads, const ExecutionDevice& device) {
  try {
    report.times = time_kernels(threads, device);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::resource)
      throw;
    report.no_times = error.what();
  }
}

void print_times(const BackendReport& report) {
  if (!report.no_times.empty())
    std::cout << "\nnot timed: " << report.no_times << "\n";
  if (!report.times)
    return;
  std::cout << "\n" << ceilings_text(report.times->ceilings);
  for (const StepProfile& profile : report.times->profiles)
    std::cout << times_text(profile, report.times->ceilings);
}

// Checks and times the kernels of one backend; `checked` takes arrays of the
// host.
void add_backend(
    DoctorReport& report,
    const DoctorFlags& flags,
    int threads,
    const Backend& checked,
    const ExecutionDevice& device) {
  BackendReport& one = report.backends.emplace_back();
  one.backend = device.backend->name;
  {
    ThreadTeam team(threads);
    one.checks = check_backend(checked, team);
  }
  for (const KernelCheck& check : one.checks)
    report.pass = report.pass && check.ok;
  if (!flags.json) {
    print_kernels(one, flags.all_cases);
    std::cout << std::flush;
  }
  if (!flags.no_times)
    add_times(one, threads, device);
  if (!flags.json)
    print_times(one);
}

int run(const DoctorFlags& flags) {
  DoctorReport report{.machine = examine_doctor_machine()};
  if (!flags.json) {
    print_machine(report.machine);
    std::cout << std::flush;
  }
  const int threads = flags.threads > 0 ? flags.threads : report.machine.cores;
  add_backend(report, flags, threads, cpu_backend(), cpu_device());
  if (report.machine.gpu)
    add_backend(
        report, flags, threads, *cuda_backend_for_tests(), cuda_device());
  if (flags.json)
    std::cout << doctor_json(report);
  return report.pass ? kSuccess : kFailed;
}

}  // namespace

Run add_doctor(CLI::App& app) {
  auto flags = std::make_shared<DoctorFlags>();
  app.add_option("--threads", flags->threads, "Threads; default: every core")
      ->envname("HADAL_THREADS")
      ->check(CLI::Range(1, kMaxThreads))
      ->option_text("N");
  app.add_flag("--cases", flags->all_cases, "Show every case of every kernel");
  app.add_flag(
      "--no-times",
      flags->no_times,
      "Check only; do not time the kernels at the shapes of Flash");
  app.add_flag("--json", flags->json, "Print JSON (docs/cli.md)");
  app.footer(
      "Exit status 1 when a kernel differs from the reference.\n\n"
      "Example:\n  hadal doctor --cases");
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
