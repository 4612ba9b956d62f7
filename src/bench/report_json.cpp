// The JSON of docs/cli.md: "machine", "ceilings" and "rows" are what programs
// may rely on.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/report.h"

namespace hadal {
namespace {

using Json = nlohmann::ordered_json;

Json ceiling(
    const std::string& what, double before, double after, const char* unit) {
  return {
      {"name", what},
      {"value", std::max(before, after)},
      {"unit", unit},
      {"before", before},
      {"after", after}};
}

Json ceilings_json(const std::vector<CeilingPair>& pairs) {
  Json out = Json::array();
  for (const CeilingPair& pair : pairs) {
    const std::string threads =
        ", " + std::to_string(pair.before.threads) + " threads";
    Json read = ceiling(
        "read bandwidth" + threads,
        pair.before.read_bytes_per_second / 1e9,
        pair.after.read_bytes_per_second / 1e9,
        "GB/s");
    out.push_back(std::move(read));
    if (pair.before.copy_bytes_per_second > 0) {
      out.push_back(ceiling(
          "copy bandwidth",
          pair.before.copy_bytes_per_second / 1e9,
          pair.after.copy_bytes_per_second / 1e9,
          "GB/s"));
      out.push_back(ceiling(
          "host to device",
          pair.before.host_to_device_bytes_per_second / 1e9,
          pair.after.host_to_device_bytes_per_second / 1e9,
          "GB/s"));
    }
    for (int i = 0; i < kArithmeticCount; ++i)
      if (pair.before.peaks[i] > 0)
        out.push_back(ceiling(
            std::string(name(static_cast<Arithmetic>(i))) + threads,
            pair.before.peaks[i] / 1e9,
            pair.after.peaks[i] / 1e9,
            "Gop/s"));
  }
  return out;
}

Json row_json(const BenchRow& row) {
  return {
      {"name", row.name},
      {"value", row.value},
      {"unit", row.unit},
      {"ceiling", row.ceiling},
      {"share", row.share},
      {"bound", row.bound == Bound::memory ? "memory" : "arithmetic"},
      {"threads", row.threads},
      {"seconds", row.timing.seconds},
      {"spread", row.timing.spread},
      {"runs", row.timing.runs},
      {"others", row.timing.others},
      {"weight_bytes", row.weight_bytes},
      {"cache_bytes", row.cache_bytes},
      {"read_bandwidth", row.read_bytes_per_second / 1e9}};
}

Json profile_json(const StepProfile& profile) {
  Json kernels = Json::array();
  const double runs = static_cast<double>(profile.runs);
  for (const KernelUse& use : profile.kernels) {
    double operations = 0;
    for (int i = 0; i < kArithmeticCount; ++i)
      operations += use.operations[i] + use.score_operations[i];
    kernels.push_back(
        {{"name", use.name},
         {"calls", static_cast<double>(use.calls) / runs},
         {"seconds", use.seconds / runs},
         {"weight_bytes", use.weight_bytes / runs},
         {"cache_bytes", use.cache_bytes / runs},
         {"operations", operations / runs}});
  }
  return {
      {"name", profile.name},
      {"threads", profile.threads},
      {"seconds", profile.seconds / runs},
      {"kernels", std::move(kernels)}};
}

}  // namespace

std::string report_json(const BenchReport& report) {
  Json rows = Json::array();
  for (const BenchRow& row : report.rows)
    rows.push_back(row_json(row));
  const std::string instruction_set =
      report.ceilings.empty() ? "" : report.ceilings[0].before.instruction_set;
  Json out = {
      {"machine",
       {{"processor", report.machine.processor},
        {"cores", report.machine.cores},
        {"memory_bytes", report.machine.memory_bytes},
        {"instruction_set", instruction_set},
        {"load", report.machine.load}}},
      {"model", report.model.empty() ? Json(nullptr) : Json(report.model)},
      {"ceilings", ceilings_json(report.ceilings)},
      {"rows", std::move(rows)},
      {"warnings", report.warnings()}};
  if (!report.profiles.empty()) {
    out["profiles"] = Json::array();
    for (const StepProfile& profile : report.profiles)
      out["profiles"].push_back(profile_json(profile));
  }
  return out.dump(2) + "\n";
}

}  // namespace hadal
