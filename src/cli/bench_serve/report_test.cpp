#include "cli/bench_serve/report.h"

#include <gtest/gtest.h>

#include <string>

namespace hadal::cli {
namespace {

TEST(Percentiles, RanksOfSortedValues) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i)
    values.push_back(i);
  const Percentiles found = percentiles(values);
  EXPECT_EQ(found.p50, 50);
  EXPECT_EQ(found.p90, 90);
  EXPECT_EQ(found.p99, 99);
  EXPECT_EQ(found.max, 100);
  EXPECT_DOUBLE_EQ(found.mean, 50.5);
  EXPECT_EQ(percentiles({7}).p99, 7);
  EXPECT_EQ(percentiles({}).p50, 0);
}

TEST(LoadReport, SumsAndRates) {
  LoadResult result;
  result.seconds = 4;
  result.requests = {
      {.start = 0,
       .end = 2,
       .pieces = {0.5, 1.0, 1.75},
       .prompt_tokens = 10,
       .cached_tokens = 4,
       .completion_tokens = 3},
      {.error = "the server answers 503: busy", .start = 0, .end = 0.1},
      {.start = 1,
       .end = 4,
       .pieces = {2.5},
       .prompt_tokens = 30,
       .completion_tokens = 1},
      {.error = "the server answers 503: busy"}};
  const LoadReport report = summarised(result);
  EXPECT_EQ(report.succeeded, 2);
  EXPECT_EQ(report.errors.at("the server answers 503: busy"), 2);
  EXPECT_EQ(report.prompt_tokens, 40);
  EXPECT_EQ(report.cached_tokens, 4);
  EXPECT_DOUBLE_EQ(report.completion_rate, 1);
  EXPECT_DOUBLE_EQ(report.requests_rate, 0.5);
  EXPECT_DOUBLE_EQ(report.first_token.p50, 0.5);
  EXPECT_DOUBLE_EQ(report.first_token.max, 1.5);
  EXPECT_DOUBLE_EQ(report.between_pieces.p50, 0.5);
  EXPECT_DOUBLE_EQ(report.between_pieces.max, 0.75);
  EXPECT_DOUBLE_EQ(report.request.max, 3);

  const LoadOptions options{.model = "nano", .clients = 2, .requests = 4};
  const std::string json = report_json(options, report);
  EXPECT_NE(json.find("\"succeeded\": 2"), std::string::npos);
  EXPECT_NE(json.find("\"count\": 2"), std::string::npos);
  EXPECT_NE(
      report_text(options, report).find("failed 2 times"), std::string::npos);
}

}  // namespace
}  // namespace hadal::cli
