// What a load on a server comes to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/bench_serve/load.h"

namespace hadal::cli {

struct Percentiles {
  double mean = 0, p50 = 0, p90 = 0, p99 = 0, max = 0;
};
// The value at rank ceil(p * n); zeros for no values.
Percentiles percentiles(std::vector<double> values);

struct LoadReport {
  int64_t succeeded = 0;
  std::map<std::string, int64_t> errors;  // by message
  double seconds = 0;
  // Of all requests that succeeded.
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t completion_tokens = 0;
  // Per second of the whole run.
  double requests_rate = 0;
  double prompt_rate = 0;
  double completion_rate = 0;
  // Seconds.
  Percentiles first_token;
  Percentiles between_pieces;
  Percentiles request;
};

LoadReport summarised(const LoadResult& result);

std::string report_text(const LoadOptions& options, const LoadReport& report);
std::string report_json(const LoadOptions& options, const LoadReport& report);

}  // namespace hadal::cli
