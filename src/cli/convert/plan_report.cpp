#include "cli/convert/plan_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <random>

#include "base/readable.h"
#include "convert/plan_summary.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

// Memory bandwidths, in GB/s: a small machine, a large Mac, the largest ones.
constexpr std::array<double, 3> kBandwidths{100, 400, 800};
// What a disk of today reads and writes at the same time.
constexpr double kDiskBytesPerSecond = 1e9;

// Weights that one thread of this machine encodes in a second.
double encoding_rate(AffineRule rule) {
  constexpr int64_t kCols = 4096;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> row(kCols);
  for (float& value : row)
    value = normal(random);
  std::vector<std::byte> codes(kCols / 2);
  std::vector<std::byte> scales(kCols / 64 * 2);
  std::vector<std::byte> biases(kCols / 64 * 2);
  const auto start = std::chrono::steady_clock::now();
  int64_t done = 0;
  double seconds = 0;
  while (seconds < 0.02) {
    encode_affine_row(
        {4, 64, ScaleFormat::bf16},
        rule,
        row.data(),
        {},
        kCols,
        codes.data(),
        scales.data(),
        biases.data());
    done += kCols;
    seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
  }
  return static_cast<double>(done) / seconds;
}

struct Estimate {
  uint64_t read = 0;
  uint64_t written = 0;
  double seconds = 0;
};

Estimate estimate(const Conversion& conversion, const ConvertOptions& options) {
  Estimate out;
  out.read = conversion.model().report.tensor_bytes;
  out.written = conversion.plan().bytes;
  // Only affine codes are searched for.
  const double plain = encoding_rate(AffineRule::plain);
  const double affine = encoding_rate(options.rule);
  double encoding = 0;
  for (const PlannedModule& module : conversion.plan().modules)
    if (module.encoding == Encoding::encode)
      encoding += static_cast<double>(module.weights()) /
                  (module.format == WeightFormat::affine ? affine : plain);
  encoding /= std::max(1, options.threads);
  const double disk =
      static_cast<double>(out.read + out.written) / kDiskBytesPerSecond;
  out.seconds = std::max(encoding, disk);
  return out;
}

double tokens_per_second(double gigabytes, const GroupSummary& total) {
  return gigabytes * 1e9 / static_cast<double>(total.bytes_per_token);
}

std::string duration(double seconds) {
  if (seconds < 100)
    return fmt::format("{:.0f} s", std::max(seconds, 1.0));
  if (seconds < 6000)
    return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string row_text(const std::string& name, const GroupSummary& group) {
  return fmt::format(
      "{:22} {:24} {:24} {:>6.2f} {:>10} {:>10}{}\n",
      name,
      group.source,
      group.output,
      group.bits_per_weight(),
      readable_bytes(group.bytes),
      readable_bytes(group.bytes_per_token),
      group.rerounded > 0 ? "  rounded again" : "");
}

Json group_json(const GroupSummary& group) {
  return {
      {"source", group.source},
      {"output", group.output},
      {"tensors", group.tensors},
      {"weights", group.weights},
      {"bits_per_weight", group.bits_per_weight()},
      {"bytes", group.bytes},
      {"bytes_per_token", group.bytes_per_token},
      {"rerounded_modules", group.rerounded}};
}

}  // namespace

std::string plan_text(
    const Conversion& conversion, const ConvertOptions& options) {
  const ConvertPlan& plan = conversion.plan();
  const PlanSummary summary = summarise(conversion.model().config, plan);
  const Estimate cost = estimate(conversion, options);
  std::string out = fmt::format(
      "recipe {}: {}\n{} layout, {} tensors in {} files\n\n",
      plan.recipe.name,
      plan.recipe.summary,
      name(plan.recipe.layout),
      summary.total.tensors,
      plan.shards.size());
  out += fmt::format(
      "{:22} {:24} {:24} {:>6} {:>10} {:>10}\n",
      "group",
      "source",
      "output",
      "bits",
      "bytes",
      "a token");
  for (const GroupSummary& group : summary.groups)
    out += row_text(std::string(name(group.group)), group);
  out += row_text("total", summary.total);
  out += "\nreads at most, at a memory bandwidth of\n";
  for (const double bandwidth : kBandwidths)
    out += fmt::format(
        "  {:3.0f} GB/s: {:.1f} tokens/s\n",
        bandwidth,
        tokens_per_second(bandwidth, summary.total));
  out += fmt::format(
      "disk: {} read, {} written; about {} with {} threads and a disk of 1 "
      "GB/s\n",
      readable_bytes(cost.read),
      readable_bytes(cost.written),
      duration(cost.seconds),
      options.threads);
  for (const std::string& note : plan.notes)
    out += "note: " + note + "\n";
  return out;
}

std::string plan_json(
    const Conversion& conversion, const ConvertOptions& options) {
  const ConvertPlan& plan = conversion.plan();
  const PlanSummary summary = summarise(conversion.model().config, plan);
  const Estimate cost = estimate(conversion, options);
  Json json;
  json["recipe"] = Json::parse(recipe_json(plan.recipe));
  json["groups"] = Json::array();
  for (const GroupSummary& group : summary.groups) {
    Json entry = {{"group", name(group.group)}};
    entry.update(group_json(group));
    json["groups"].push_back(std::move(entry));
  }
  json["total"] = group_json(summary.total);
  json["tokens_per_second"] = Json::array();
  for (const double bandwidth : kBandwidths)
    json["tokens_per_second"].push_back(
        {{"gigabytes_per_second", bandwidth},
         {"value", tokens_per_second(bandwidth, summary.total)}});
  json["files"] = plan.shards.size();
  json["bytes_read"] = cost.read;
  json["bytes_written"] = cost.written;
  json["seconds"] = cost.seconds;
  json["notes"] = plan.notes;
  return json.dump(2) + "\n";
}

}  // namespace hadal::cli
