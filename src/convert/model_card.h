// README.md of a converted checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "convert/convert.h"

namespace hadal {

inline constexpr const char* kModelCardName = "README.md";

// How far the output is from its source, when that was measured.
struct CardFigures {
  std::string text;  // on what
  int64_t tokens = 0;
  double kl_mean = 0;
  double kl_median = 0;
  double kl_p99 = 0;
  double top1_agreement = 0;
  double perplexity_source = 0;
  double perplexity_output = 0;
};

// Source and its hash, recipe, a table of formats, bits and sizes, and the
// figures. The same conversion gives the same text.
std::string model_card(
    const Conversion& conversion, const std::optional<CardFigures>& figures);

// Replaces DIR/README.md.
void write_model_card(
    const Conversion& conversion, const std::optional<CardFigures>& figures);

}  // namespace hadal
