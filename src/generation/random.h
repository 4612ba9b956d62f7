// Random numbers that are the same on every machine.
#pragma once

#include <array>
#include <cstdint>

namespace hadal {

// Philox 4x32 with 10 rounds (Salmon et al., "Parallel random numbers: as easy
// as 1, 2, 3", 2011): four random words for each (key, counter), with no state
// in between.
std::array<uint32_t, 4> philox(
    std::array<uint32_t, 2> key, std::array<uint32_t, 4> counter);

// The 64 bits that decide output token number `step` of the sequence `seed`.
uint64_t random_bits(uint64_t seed, uint64_t step);

// A seed from the system's entropy.
uint64_t fresh_seed();

}  // namespace hadal
