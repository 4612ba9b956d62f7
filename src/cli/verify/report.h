// What `verify` prints.
#pragma once

#include <span>
#include <string>

#include "cli/verify/replay.h"

namespace hadal::cli {

// One line a case for people; ends with a newline.
std::string report_header();
std::string report_line(const CaseResult& result);

// {"pass", "cases": [{"name", "column", "kl_mean", "kl_max", "kl_bar",
// "greedy_equal", "first_difference", ...}]} (docs/cli.md).
std::string report_json(std::span<const CaseResult> results);

}  // namespace hadal::cli
