// The inner loop of the router, on the best instruction set here.
#pragma once

#include <cstdint>

namespace hadal {

// scores[i] = sqrt(softplus(logits[i])) for i < count. Reads and writes whole
// vectors: both arrays hold a multiple of 16 floats.
void router_scores(const float* logits, int64_t count, float* scores);

}  // namespace hadal
