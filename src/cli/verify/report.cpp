#include "cli/verify/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

double worst_layer(const CaseResult& result) {
  return *std::max_element(
      result.trace_errors.begin(), result.trace_errors.end());
}

std::string bar_text(std::optional<double> bar) {
  return bar ? fmt::format("{:.2e}", *bar) : "-";
}

std::string greedy_text(const CaseResult& result) {
  if (!result.first_difference)
    return "-";
  if (result.greedy_equal())
    return fmt::format("{} equal", result.greedy_tokens);
  return fmt::format("differs at {}", *result.first_difference);
}

// null for what was not recorded.
template <class T>
Json optional(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json statistics(const Statistics& kl, double value) {
  return kl.empty() ? Json(nullptr) : Json(value);
}

Json case_json(const CaseResult& result) {
  Json out;
  out["name"] = result.name;
  out["column"] = result.column;
  out["pass"] = result.pass();
  out["kl_mean"] = statistics(result.kl, result.kl.mean());
  out["kl_max"] = statistics(result.kl, result.kl.max());
  out["kl_bar"] = optional(result.bars.kl_mean);
  out["kl_max_bar"] = optional(result.bars.kl_max);
  out["greedy_equal"] =
      result.first_difference ? Json(result.greedy_equal()) : Json(nullptr);
  out["first_difference"] = result.first_difference && !result.greedy_equal()
                                ? Json(*result.first_difference)
                                : Json(nullptr);
  out["greedy_tokens"] = result.greedy_tokens;
  out["decode_kl_mean"] = statistics(result.decode_kl, result.decode_kl.mean());
  out["decode_kl_max"] = statistics(result.decode_kl, result.decode_kl.max());
  out["decode_kl_bar"] = optional(result.bars.decode_kl_mean);
  out["mtp_kl_mean"] = statistics(result.mtp_kl, result.mtp_kl.mean());
  out["mtp_kl_max"] = statistics(result.mtp_kl, result.mtp_kl.max());
  out["trace_errors"] = result.trace_errors;
  return out;
}

}  // namespace

std::string report_header() {
  return fmt::format(
      "{:<16} {:<14} {:>9} {:>9} {:>9} {:>9} {:>9}  {:<14} {}\n",
      "case",
      "column",
      "KL mean",
      "bar",
      "KL max",
      "decode KL",
      "bar",
      "greedy",
      "");
}

std::string report_line(const CaseResult& result) {
  std::string line = fmt::format(
      "{:<16} {:<14} {:>9} {:>9} {:>9} {:>9} {:>9}  {:<14} {}\n",
      result.name,
      result.column,
      result.kl.empty() ? "-" : fmt::format("{:.2e}", result.kl.mean()),
      bar_text(result.bars.kl_mean),
      result.kl.empty() ? "-" : fmt::format("{:.2e}", result.kl.max()),
      result.decode_kl.empty() ? "-"
                               : fmt::format("{:.2e}", result.decode_kl.mean()),
      bar_text(result.bars.decode_kl_mean),
      greedy_text(result),
      result.pass() ? "ok" : "FAILED");
  if (!result.mtp_kl.empty())
    line += fmt::format(
        "{:<16} next-token module: KL mean {:.2e}, max {:.2e}\n",
        "",
        result.mtp_kl.mean(),
        result.mtp_kl.max());
  if (!result.trace_errors.empty())
    line += fmt::format(
        "{:<16} residual streams: {} layers, relative error at most {:.2e}\n",
        "",
        result.trace_errors.size(),
        worst_layer(result));
  return line;
}

std::string report_json(std::span<const CaseResult> results) {
  Json out;
  out["pass"] =
      std::all_of(results.begin(), results.end(), [](const CaseResult& result) {
        return result.pass();
      });
  out["cases"] = Json::array();
  for (const CaseResult& result : results)
    out["cases"].push_back(case_json(result));
  return out.dump(2) + "\n";
}

}  // namespace hadal::cli
