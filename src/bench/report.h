// What a benchmark run found: rows under their ceilings.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/kernel_recorder.h"
#include "bench/machine.h"
#include "bench/measure.h"
#include "kernels/ceilings.h"

namespace hadal {

// What bounds a row: the time in which memory could deliver its bytes, or the
// processor compute its products.
enum class Bound { memory, arithmetic };

struct BenchRow {
  std::string name;
  std::string unit;  // "tokens/s", "GB/s", "Gop/s"
  int threads = 0;
  Timing timing;
  double units = 0;  // of one run: tokens, gigabytes, 10^9 operations
  Bound bound = Bound::memory;
  double weight_bytes = 0;  // of one run
  double cache_bytes = 0;
  double operations[kArithmeticCount] = {};
  // Read bandwidth just before or just after the row, the better of the two: it
  // drifts on a shared machine. 0: that of the run counts.
  double read_bytes_per_second = 0;

  // Set by settle().
  double value = 0;
  double ceiling = 0;  // the value at which memory or processor were full
  double share = 0;    // value / ceiling
};

// Ceilings of one number of threads, before the rows and after them. The better
// of the two is the ceiling.
struct CeilingPair {
  Ceilings before;
  Ceilings after;
  Ceilings best() const;
};

// A table of --profile.
struct StepProfile {
  std::string name;  // of the row whose run it was
  int threads = 0;
  double seconds = 0;  // of the whole
  int64_t runs = 1;    // steps that it sums up
  std::vector<KernelUse> kernels;
};

struct BenchReport {
  MachineInfo machine;
  std::string model;  // empty: kernels only
  double seconds_per_row = 0;
  std::vector<CeilingPair> ceilings;  // one a number of threads
  std::vector<BenchRow> rows;
  std::vector<StepProfile> profiles;

  // Throws Error(internal) when there are none for this number.
  Ceilings ceilings_for(int threads) const;
  // Values and shares of all rows, when ceilings and timings are there.
  void settle();
  // Whole sentences: rows during which others were at work.
  std::vector<std::string> warnings() const;
};

std::string report_json(const BenchReport& report);
std::string report_svg(const BenchReport& report);
// For people, a part at a time, so that a run can be followed.
std::string ceilings_text(const Ceilings& ceilings);
std::string row_header_text();
std::string row_text(const BenchRow& row);
std::string profile_text(const StepProfile& profile, const Ceilings& ceilings);

}  // namespace hadal
