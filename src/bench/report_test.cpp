#include "bench/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace hadal {
namespace {

constexpr int kFma = static_cast<int>(Arithmetic::fp32_fma);

Ceilings ceilings(double bytes_per_second, double operations_per_second) {
  Ceilings out;
  out.instruction_set = "AVX2";
  out.threads = 2;
  out.read_bytes_per_second = bytes_per_second;
  out.peaks[kFma] = operations_per_second;
  return out;
}

BenchReport sample() {
  BenchReport report;
  report.machine = {
      .processor = "A <fast> one", .cores = 2, .memory_bytes = 1 << 30};
  report.model = "synthetic tiny";
  report.ceilings = {{ceilings(40e9, 500e9), ceilings(50e9, 400e9)}};
  BenchRow decode;
  decode.name = "decode, context 1K, 2 threads";
  decode.unit = "tokens/s";
  decode.threads = 2;
  decode.units = 1;
  decode.timing = {.seconds = 0.05, .spread = 0.02, .runs = 9, .others = 0.01};
  decode.weight_bytes = 1.8e9;
  decode.cache_bytes = 0.2e9;
  BenchRow prefill = decode;
  prefill.name = "prefill 2K, 2 threads";
  prefill.units = 2048;
  prefill.bound = Bound::arithmetic;
  prefill.operations[kFma] = 250e9;
  prefill.timing = {.seconds = 1, .spread = 0, .runs = 1, .others = 0.2};
  report.rows = {decode, prefill};
  report.settle();
  return report;
}

TEST(BenchReport, SharesAreOfTheBetterCeiling) {
  const BenchReport report = sample();
  // 2 GB in 50 ms are 40 GB/s, of 50.
  EXPECT_NEAR(report.rows[0].share, 0.8, 1e-12);
  EXPECT_NEAR(report.rows[0].value, 20, 1e-9);
  EXPECT_NEAR(report.rows[0].ceiling, 25, 1e-9);
  // 250 Gop at 500 Gop/s are half a second.
  EXPECT_NEAR(report.rows[1].share, 0.5, 1e-12);
  EXPECT_NEAR(report.rows[1].ceiling, 4096, 1e-6);
}

TEST(BenchReport, WarnsOfOthers) {
  const std::vector<std::string> warnings = sample().warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(
      warnings[0],
      "prefill 2K, 2 threads: other processes took 20 % of the cores during "
      "this row");
}

TEST(BenchReport, JsonHasTheStableShape) {
  BenchReport report = sample();
  report.profiles = {
      {.name = "decode",
       .threads = 2,
       .seconds = 0.2,
       .runs = 4,
       .kernels = {{.name = "router", .calls = 8, .seconds = 0.1}}}};
  const auto json = nlohmann::json::parse(report_json(report));
  EXPECT_EQ(json.at("machine").at("processor"), "A <fast> one");
  EXPECT_EQ(json.at("machine").at("instruction_set"), "AVX2");
  ASSERT_EQ(json.at("ceilings").size(), 2U);
  const auto& read = json.at("ceilings")[0];
  EXPECT_EQ(read.at("name"), "read bandwidth, 2 threads");
  EXPECT_EQ(read.at("value"), 50.0);
  EXPECT_EQ(read.at("unit"), "GB/s");
  EXPECT_EQ(read.at("before"), 40.0);
  ASSERT_EQ(json.at("rows").size(), 2U);
  for (const auto& row : json.at("rows"))
    for (const char* key : {"name", "value", "unit", "ceiling", "share"})
      EXPECT_TRUE(row.contains(key)) << key;
  EXPECT_EQ(json.at("rows")[1].at("bound"), "arithmetic");
  EXPECT_EQ(json.at("warnings").size(), 1U);
  const auto& profile = json.at("profiles").at(0);
  EXPECT_EQ(profile.at("seconds"), 0.05);
  EXPECT_EQ(profile.at("kernels").at(0).at("calls"), 2.0);
}

TEST(BenchReport, SvgIsOnePictureWithEveryRow) {
  const std::string svg = report_svg(sample());
  EXPECT_TRUE(svg.starts_with("<svg xmlns="));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_NE(svg.find("A &lt;fast&gt; one"), std::string::npos);
  EXPECT_EQ(svg.find("<fast>"), std::string::npos);
  EXPECT_NE(svg.find("decode, context 1K, 2 threads"), std::string::npos);
  EXPECT_NE(svg.find("80 %, 20.0 tokens/s"), std::string::npos);
}

}  // namespace
}  // namespace hadal
