// A model for a verb: with a progress bar, and with words for what could be
// done where it does not fit.
#pragma once

#include <stop_token>
#include <string>

#include "hadal/model.h"

namespace hadal::cli {

// Model::load. Weights on their way to a GPU show as a bar on a terminal, and
// one line on stderr says why --device auto did not take the GPU, unless the
// log says so.
Model load_model(const ModelOptions& options, std::stop_token stop = {});

// The error's message and the named recipes whose weights would fit.
std::string advice(const WeightsDoNotFit& error);

}  // namespace hadal::cli
