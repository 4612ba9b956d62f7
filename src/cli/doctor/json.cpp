// hadal doctor --json (docs/cli.md).
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/doctor/report.h"
#include "hadal/version.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

void add_times(const BackendReport& report, Json& out) {
  if (!report.times)
    return;
  for (const StepProfile& profile : report.times->profiles)
    for (const KernelUse& use : profile.kernels)
      out.push_back(
          {{"backend", report.backend},
           {"step", profile.name},
           {"kernel", use.name},
           {"seconds", use.seconds / static_cast<double>(use.calls)},
           {"share", share_of_ceiling(use, report.times->ceilings)}});
}

Json gpu_json(const Machine& machine) {
  if (!machine.gpu)
    return {{"found", false}, {"reason", machine.no_gpu}};
  return {
      {"found", true},
      {"name", machine.gpu->name},
      {"capability", machine.gpu->capability},
      {"driver", machine.gpu->driver},
      {"runtime", machine.gpu->runtime},
      {"memory_bytes", machine.gpu->memory_bytes},
      {"free_bytes", machine.gpu->free_bytes}};
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
      {"devices",
       machine.gpu ? Json::array({"cpu", "cuda"}) : Json::array({"cpu"})},
      {"gpu", gpu_json(machine)}};
  for (const Library& library : machine.libraries)
    out["libraries"][library.name] = library.version;
  out["nano_model"] =
      machine.nano_model.empty() ? Json(nullptr) : Json(machine.nano_model);
  out["kernels"] = Json::array();
  Json times = Json::array();
  for (const BackendReport& backend : report.backends) {
    for (const KernelCheck& check : backend.checks)
      out["kernels"].push_back(
          {{"kernel", check.kernel},
           {"case", check.case_name},
           {"backend", backend.backend},
           {"ok", check.ok},
           {"max_error", check.max_error},
           {"tolerance", check.tolerance},
           {"seconds", check.seconds},
           {"seconds_reference", check.seconds_reference}});
    add_times(backend, times);
  }
  out["times"] = times.empty() ? Json(nullptr) : std::move(times);
  return out.dump(2) + "\n";
}

}  // namespace hadal::cli
