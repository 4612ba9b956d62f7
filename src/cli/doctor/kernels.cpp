// The kernels' checks, summed up for people.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "cli/doctor/report.h"

namespace hadal::cli {
namespace {

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

}  // namespace

void print_kernels(const BackendReport& report, bool all_cases) {
  std::cout << fmt::format(
      "\n{:<24} {:>5} {:>16} {:>12} {:>12}\n",
      "kernel",
      "cases",
      "error/tolerance",
      report.backend,
      "reference");
  for (const KernelSummary& summary : summarise(report.checks))
    std::cout << fmt::format(
        "{:<24} {:>5} {:>16.3f} {:>9.2f} ms {:>9.2f} ms  {}\n",
        summary.name,
        summary.cases,
        summary.worst,
        summary.seconds * 1e3,
        summary.seconds_reference * 1e3,
        summary.failed == 0 ? "ok" : fmt::format("{} FAILED", summary.failed));
  for (const KernelCheck& check : report.checks)
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

}  // namespace hadal::cli
