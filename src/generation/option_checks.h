// Are a request's sampling and stop options within their ranges?
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/limits.h"
#include "hadal/result.h"
#include "hadal/sampling.h"

namespace hadal {

inline constexpr size_t kMaxStopStringBytes = 1024;

// The first field that is out of range, with its name in Failure::field; none
// when all is well. `vocabulary` bounds the token ids.
std::optional<Failure> check_options(
    const SamplingOptions& options, int64_t vocabulary);
std::optional<Failure> check_options(
    const StopOptions& options, int64_t vocabulary);

}  // namespace hadal
