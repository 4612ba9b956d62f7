// hadal doctor --json (docs/cli.md).
#include <nlohmann/json.hpp>

#include "cli/doctor/report.h"
#include "hadal/version.h"
#include "kernels/backend.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

Json times_json(const KernelTimes& times) {
  Json out = Json::array();
  for (const StepProfile& profile : times.profiles)
    for (const KernelUse& use : profile.kernels)
      out.push_back(
          {{"step", profile.name},
           {"kernel", use.name},
           {"seconds", use.seconds / static_cast<double>(use.calls)},
           {"share", share_of_ceiling(use, times.ceilings)}});
  return out;
}

}  // namespace

std::string doctor_json(const DoctorReport& report) {
  const Machine& machine = report.machine;
  Json out = {
      {"version", version()},
      {"pass", report.pass},
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
  for (const KernelCheck& check : report.checks)
    out["kernels"].push_back(
        {{"kernel", check.kernel},
         {"case", check.case_name},
         {"backend", cpu_backend().name},
         {"ok", check.ok},
         {"max_error", check.max_error},
         {"tolerance", check.tolerance},
         {"seconds", check.seconds},
         {"seconds_reference", check.seconds_reference}});
  out["times"] = report.times ? times_json(*report.times) : Json(nullptr);
  return out.dump(2) + "\n";
}

}  // namespace hadal::cli
