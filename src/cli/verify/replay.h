// Runs a recorded case and compares what comes out with what was recorded.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/verify/divergence.h"
#include "cli/verify/golden_file.h"
#include "hadal/session.h"

namespace hadal::cli {

// What must hold for a case to pass. An empty bar is not judged.
struct Bars {
  std::optional<double> kl_mean;
  std::optional<double> kl_max;
  std::optional<double> decode_kl_mean;
  std::optional<double> trace;  // relative error of any layer
  bool greedy = false;          // continuations must be equal
};

struct CaseResult {
  std::string name;
  std::string column;  // what it was compared with
  Statistics kl;       // of the prompt's recorded positions
  Statistics decode_kl;
  Statistics mtp_kl;
  std::vector<double> trace_errors;  // one a layer; empty: not recorded
  // The first token of the greedy continuation that differs; -1 when none
  // does, absent when none is recorded.
  std::optional<int64_t> first_difference;
  int64_t greedy_tokens = 0;
  Bars bars;

  bool greedy_equal() const { return first_difference == -1; }
  bool pass() const;
};

struct ReplayOptions {
  bool mtp = false;  // the model was loaded with its next-token module
  std::stop_token stop;
};

// The column that a run with these switches is compared with: f32_unrounded
// when both roundings of cached rows are off, else f32.
std::string column_for(const ModelOptions& options);

// The bars for a run with these options: fixed numbers for exact precision,
// and 1.5 times what the official bfloat16 run loses otherwise, which is the
// reason to record it (docs/cli.md).
Bars bars_for(const ModelOptions& options, const GoldenCase& golden);

// Throws Error(invalid_argument) when the case lacks the column that such a run
// is compared with.
void require_column(const ModelOptions& options, const GoldenCase& golden);

// Throws as require_column and Session::feed do.
CaseResult replay(
    const Model& model, const GoldenCase& golden, const ReplayOptions& options);

}  // namespace hadal::cli
