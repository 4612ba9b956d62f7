// Rows and profiles as tables for a terminal.
#include <fmt/format.h>

#include "bench/report.h"

namespace hadal {

std::string ceilings_text(const Ceilings& ceilings) {
  std::string text = fmt::format(
      "{} thread{} ({}): read {:.1f} GB/s",
      ceilings.threads,
      ceilings.threads == 1 ? "" : "s",
      ceilings.instruction_set,
      ceilings.read_bytes_per_second / 1e9);
  if (ceilings.copy_bytes_per_second > 0)
    text += fmt::format(
        ", copy {:.1f} GB/s, host to device {:.1f} GB/s",
        ceilings.copy_bytes_per_second / 1e9,
        ceilings.host_to_device_bytes_per_second / 1e9);
  for (int i = 0; i < kArithmeticCount; ++i)
    if (ceilings.peaks[i] > 0)
      text += fmt::format(
          ", {} {:.0f} Gop/s",
          name(static_cast<Arithmetic>(i)),
          ceilings.peaks[i] / 1e9);
  return text + "\n";
}

std::string row_header_text() {
  return fmt::format(
      "{:<44} {:>10} {:<9} {:>10} {:>7} {:>7} {:>6}\n",
      "row",
      "value",
      "unit",
      "ceiling",
      "share",
      "spread",
      "runs");
}

std::string row_text(const BenchRow& row) {
  std::string text = fmt::format(
      "{:<44} {:>10.1f} {:<9} {:>10.1f} {:>6.1f}% {:>6.1f}% {:>6}",
      row.name,
      row.value,
      row.unit,
      row.ceiling,
      row.share * 100,
      row.timing.spread * 100,
      row.timing.runs);
  if (row.cache_bytes > 0)
    text += fmt::format(
        "  {:.3f} GB weights, {:.2f} MB cache",
        row.weight_bytes / 1e9,
        row.cache_bytes / 1e6);
  return text + "\n";
}

std::string profile_text(const StepProfile& profile, const Ceilings& ceilings) {
  const double runs = static_cast<double>(profile.runs);
  std::string text = fmt::format(
      "\nprofile: {}\n{:<44} {:>6} {:>9} {:>6} {:>8} {:>8} {:>8} {:>8}\n",
      profile.name,
      "kernel",
      "calls",
      "ms",
      "time",
      "GB/s",
      "of read",
      "Gop/s",
      "of peak");
  for (const KernelUse& use : profile.kernels) {
    const double bytes = use.weight_bytes + use.cache_bytes;
    double operations = 0;
    for (int i = 0; i < kArithmeticCount; ++i)
      operations += use.operations[i] + use.score_operations[i];
    const double ideal = ideal_seconds(use.operations, ceilings) +
                         ideal_seconds(use.score_operations, ceilings);
    text += fmt::format(
        "{:<44} {:>6.4g} {:>9.3f} {:>5.1f}% {:>8.1f} {:>7.1f}% {:>8.0f} "
        "{:>7.1f}%\n",
        use.name,
        static_cast<double>(use.calls) / runs,
        use.seconds / runs * 1e3,
        100 * use.seconds / profile.seconds,
        bytes / use.seconds / 1e9,
        100 * bytes / use.seconds / ceilings.read_bytes_per_second,
        operations / use.seconds / 1e9,
        100 * ideal / use.seconds);
  }
  const KernelTotals sums = totals(profile.kernels, ceilings);
  const double bytes = sums.weight_bytes + sums.cache_bytes;
  text += fmt::format(
      "{:<44} {:>6} {:>9.3f} {:>5.1f}%\n{:<44} {:>6} {:>9.3f} {:>5.1f}% "
      "{:>8.1f} {:>7.1f}% {:>8} {:>7.1f}%\n",
      "between kernels",
      "",
      (profile.seconds - sums.seconds) / runs * 1e3,
      100 * (1 - sums.seconds / profile.seconds),
      "all; of peak: the ideal matrix products",
      "",
      profile.seconds / runs * 1e3,
      100.0,
      bytes / profile.seconds / 1e9,
      100 * bytes / profile.seconds / ceilings.read_bytes_per_second,
      "",
      100 * sums.ideal_product_seconds / profile.seconds);
  return text;
}

}  // namespace hadal
