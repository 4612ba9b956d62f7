// `convert --measure`: how far the output is from its source.
#pragma once

#include <stop_token>

#include "convert/model_card.h"

namespace hadal::cli {

// Loads both and compares them on the bundled text (eval/compare.h).
CardFigures measure_output(
    const Conversion& conversion,
    const ConvertOptions& options,
    std::stop_token stop);

}  // namespace hadal::cli
