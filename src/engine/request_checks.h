// Is a request within its ranges?
#pragma once

#include <cstdint>

#include "engine/engine_request.h"

namespace hadal {

// Throws Error(invalid_argument) with the field's name, and Error(resource)
// naming the numbers when the prompt leaves no room for an answer:
// `context` is the model's limit, `fitting` what the cache memory holds. The
// sampling options are checked elsewhere (Sampler).
void check_request(
    const EngineRequest& request,
    int64_t vocabulary,
    int64_t context,
    int64_t fitting,
    int64_t budget_bytes);

}  // namespace hadal
