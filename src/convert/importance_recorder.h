// Measures importance (importance.h): runs a model and watches what goes into
// its products.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "convert/importance.h"
#include "weights/load_checkpoint.h"

namespace hadal {

struct RecordOptions {
  int threads = 1;
  std::function<void(int64_t done, int64_t total)> on_progress;
  std::stop_token stop;
};

// One pass over `windows`, each a sequence of its own of at least one id, with
// float32 activations. Experts that no token reached get the mean of their
// layer's others. The next-token module is not run and has no entry. Takes the
// weights out of `model`. At most one call at a time in a process: kernels are
// plain functions, so what they report goes through one place. Throws
// Error(cancelled), and Error(invalid_argument) for ids outside the vocabulary.
Importance record_importance(
    LoadedModel model,
    std::span<const std::vector<int32_t>> windows,
    const RecordOptions& options);

}  // namespace hadal
