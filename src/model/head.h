// From the residual streams to logits (spec 6.1).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/pass.h"

namespace hadal {

// logits [rows, vocabulary] of the given rows of streams [tokens, n, D]. `hc`
// and `norm` are the trunk's or the MTP stage's.
void run_head(
    const Pass& pass,
    const HyperConnectionWeights& hc,
    const KernelVector& norm,
    const float* streams,
    std::span<const int64_t> rows,
    float* logits);

}  // namespace hadal
