#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace hadal {

Ceilings CeilingPair::best() const {
  Ceilings best = before;
  best.read_bytes_per_second =
      std::max(before.read_bytes_per_second, after.read_bytes_per_second);
  best.copy_bytes_per_second =
      std::max(before.copy_bytes_per_second, after.copy_bytes_per_second);
  best.host_to_device_bytes_per_second = std::max(
      before.host_to_device_bytes_per_second,
      after.host_to_device_bytes_per_second);
  for (int i = 0; i < kArithmeticCount; ++i)
    best.peaks[i] = std::max(before.peaks[i], after.peaks[i]);
  return best;
}

Ceilings BenchReport::ceilings_for(int threads) const {
  const auto found = std::find_if(
      ceilings.begin(), ceilings.end(), [threads](const CeilingPair& pair) {
        return pair.before.threads == threads;
      });
  HADAL_CHECK(found != ceilings.end());
  return found->best();
}

void BenchReport::settle() {
  for (BenchRow& row : rows) {
    const Ceilings roof = ceilings_for(row.threads);
    const double bandwidth = row.read_bytes_per_second > 0
                                 ? row.read_bytes_per_second
                                 : roof.read_bytes_per_second;
    const double ideal = row.bound == Bound::memory
                             ? (row.weight_bytes + row.cache_bytes) / bandwidth
                             : ideal_seconds(row.operations, roof);
    row.value = row.units / row.timing.seconds;
    row.ceiling = ideal > 0 ? row.units / ideal : 0;
    row.share = ideal / row.timing.seconds;
  }
}

std::vector<std::string> BenchReport::warnings() const {
  std::vector<std::string> out;
  for (const BenchRow& row : rows)
    if (row.timing.others > kOthersLimit)
      out.push_back(fmt::format(
          "{}: other processes took {:.0f} % of the cores during this row",
          row.name,
          row.timing.others * 100));
  return out;
}

}  // namespace hadal
