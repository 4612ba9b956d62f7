// Importance that `convert` measures by itself when it is given none.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>

#include "convert/importance.h"

namespace hadal::cli {

// One pass over the bundled calibration text, a few thousand tokens. Empty
// when the source has no tokenizer, the text is not there, or the source is
// larger than the memory that is free (reading it from the disk once more would
// take long), or its activations are not finite. The same source gives the same
// bits on one machine with any number of threads, so an interrupted conversion
// goes on with the same numbers; another machine may differ in the last bit of
// an exponential and then refuses to go on.
std::optional<Importance> measure_own_importance(
    const std::filesystem::path& source, int threads, std::stop_token stop);

}  // namespace hadal::cli
