// What `eval` prints.
#pragma once

#include <string>

#include "cli/eval/compare.h"

namespace hadal::cli {

std::string perplexity_text(const PerplexityResult& result);
std::string perplexity_json(const PerplexityResult& result);
std::string compare_text(const CompareResult& result);
std::string compare_json(const CompareResult& result);

}  // namespace hadal::cli
