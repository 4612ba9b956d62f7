// What `convert --dry-run` prints.
#pragma once

#include <string>

#include "convert/convert.h"

namespace hadal::cli {

// A table for people: per group of tensors and in total the formats, bits a
// weight, bytes, bytes read a token; expected speeds, disk and time.
std::string plan_text(
    const Conversion& conversion, const ConvertOptions& options);

// The same as JSON (docs/cli.md).
std::string plan_json(
    const Conversion& conversion, const ConvertOptions& options);

}  // namespace hadal::cli
