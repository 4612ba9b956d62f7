// A whole run on a tiny model, in a moment.
#include "bench/bench_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hadal/error.h"

namespace hadal {
namespace {

BenchOptions tiny_options() {
  BenchOptions options;
  options.synthetic = parse_synthetic_spec("tiny:layers=4").value();
  options.contexts = {100, 2048};
  options.prompts = {32};
  options.batches = {1, 2};
  options.seconds = 0.01;
  options.ceiling_bytes = size_t{16} << 20;
  return options;
}

TEST(BenchRun, GivesARowForEverything) {
  BenchOptions options = tiny_options();
  options.threads = {1, 2};
  options.profile = true;
  std::vector<std::string> started;
  const BenchReport report = run_bench(
      options,
      {.on_start = [&](const std::string& what) { started.push_back(what); }});
  EXPECT_EQ(report.model, "synthetic tiny:layers=4");
  std::vector<std::string> names;
  for (const BenchRow& row : report.rows)
    names.push_back(row.name);
  EXPECT_EQ(
      names,
      (std::vector<std::string>{
          "decode, context 100, 1 thread",
          "decode, context 2K, 1 thread",
          "decode of 2, context 100, 1 thread",
          "prefill 32, 1 thread",
          "decode, context 100, 2 threads",
          "decode, context 2K, 2 threads",
          "decode of 2, context 100, 2 threads",
          "prefill 32, 2 threads"}));
  for (const BenchRow& row : report.rows) {
    SCOPED_TRACE(row.name);
    EXPECT_NE(
        std::find(started.begin(), started.end(), row.name), started.end());
    EXPECT_GT(row.value, 0);
    EXPECT_GT(row.share, 0);
    EXPECT_NEAR(row.value / row.ceiling, row.share, 1e-9);
    EXPECT_GE(row.timing.runs, 1);
    EXPECT_GT(row.weight_bytes, 1e6);
  }
  EXPECT_GT(report.rows[1].cache_bytes, report.rows[0].cache_bytes);
  EXPECT_EQ(report.profiles.size(), report.rows.size());
}

TEST(BenchRun, RefusesContextsBeyondTheModel) {
  BenchOptions options = tiny_options();
  options.contexts = {int64_t{1} << 21};
  try {
    run_bench(options, {});
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(
        std::string(error.what()).find("at most 1,048,576"), std::string::npos);
  }
}

TEST(BenchRun, StopsWhenAsked) {
  std::stop_source stop;
  const BenchHooks hooks = {
      .on_start =
          [&stop](const std::string& what) {
            if (what.starts_with("decode, context 2K"))
              stop.request_stop();
          },
      .stop = stop.get_token()};
  try {
    run_bench(tiny_options(), hooks);
    FAIL() << "not stopped";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace hadal
