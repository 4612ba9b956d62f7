// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string_view>

namespace hadal {

// "5G", "5GB", "500MB", "1.5 GB", "800000000": powers of ten; "GiB" and the
// like are powers of two. Throws Error(invalid_argument) for anything else and
// for zero.
uint64_t parse_size(std::string_view text);

}  // namespace hadal
