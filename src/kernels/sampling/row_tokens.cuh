// A row of logits spread over a cluster: every thread has sixteen tokens in a
// row, block after block.
#pragma once

#include <cstdint>

#include "kernels/sampling/cluster_values.cuh"
#include "kernels/sampling/token_weight.cuh"

namespace hadal::cuda {

constexpr int kThreadTokens = 16;
constexpr int kBlockTokens = kClusterThreads * kThreadTokens;
// Above every id.
constexpr uint32_t kNoId = 0xFFFFFFFF;

#if __CUDA_ARCH__ >= 900

// Higher logits have higher keys, minus zero that of zero. No logit has key 0.
__device__ inline uint32_t logit_key(float logit) {
  const uint32_t bits = __float_as_uint(__fadd_rn(logit, 0.0F));
  return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
}

__device__ inline float logit_of(uint32_t key) {
  return __uint_as_float((key & 0x80000000) != 0 ? key & 0x7FFFFFFF : ~key);
}

// A thread's tokens, by increasing id; a set of them is a mask of bits.
struct ThreadTokens {
  uint32_t first;                // id of token 0
  uint32_t keys[kThreadTokens];  // 0: past the vocabulary
};

// The tokens from the best down to (key, id): higher logits first, ties to the
// lower id.
struct Cut {
  uint32_t key = 0;
  uint32_t id = kNoId;
};

__device__ inline uint32_t kept_by(
    const Cut& cut, const ThreadTokens& tokens, uint32_t set) {
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    if (tokens.keys[i] < cut.key ||
        (tokens.keys[i] == cut.key && tokens.first + i > cut.id))
      set &= ~(1U << i);
  return set;
}

// One search for a cut, three bits of a key at a time, highest first. `digit`
// gives the digit of a token's key, `measure` what it adds; `set` are the
// tokens whose higher digits are those found so far. Ends early when one token
// is left.
struct Search {
  uint32_t set;
  uint64_t wanted;     // of the tokens of the set, from the top
  uint64_t count = 0;  // of the set
  uint32_t found = 0;
  bool ended = false;  // found, with zeros below, is a cut
};

template <class Digit, class Measure>
__device__ void search_digit(
    ClusterValues& shared,
    uint32_t& round,
    int shift,
    const Digit& digit,
    const Measure& measure,
    Search& search) {
  constexpr int kDigits = 8;
  uint64_t sums[2 * kDigits];  // of the measure, then of ones
#pragma unroll
  for (int d = 0; d < 2 * kDigits; ++d)
    sums[d] = 0;
  if (search.set != 0)
#pragma unroll
    for (int i = 0; i < kThreadTokens; ++i) {
      if ((search.set >> i & 1) == 0)
        continue;
      const uint32_t mine = digit(i, shift);
      const uint64_t value = measure(i);
#pragma unroll
      for (uint32_t d = 0; d < kDigits; ++d) {
        sums[d] += mine == d ? value : 0;
        sums[kDigits + d] += mine == d ? 1 : 0;
      }
    }
  join<Join::sum, 2 * kDigits>(shared, round, sums);
  uint32_t chosen = kDigits;
  uint64_t above = 0;
#pragma unroll
  for (int d = kDigits - 1; d >= 0; --d)
    if (chosen == kDigits) {
      if (above + sums[d] >= search.wanted || d == 0) {
        chosen = static_cast<uint32_t>(d);
        search.count = sums[kDigits + d];
      } else {
        above += sums[d];
      }
    }
  search.wanted -= above;
  search.found |= chosen << shift;
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    if ((search.set >> i & 1) != 0 && digit(i, shift) != chosen)
      search.set &= ~(1U << i);
  search.ended = search.count == 1;
}

// The cut after the fewest tokens of `set`, from the top, that together measure
// at least `wanted`, which is more than 0 and at most what all measure.
// `tie_measure` gives the measure of any token with a certain key.
template <class Measure, class TieMeasure>
__device__ Cut find_cut(
    ClusterValues& shared,
    uint32_t& round,
    const ThreadTokens& tokens,
    uint32_t set,
    uint64_t wanted,
    const Measure& measure,
    const TieMeasure& tie_measure) {
  Search search{.set = set, .wanted = wanted};
  for (int shift = 30; shift >= 0 && !search.ended; shift -= 3)
    search_digit(
        shared,
        round,
        shift,
        [&](int i, int at) { return tokens.keys[i] >> at & 7; },
        measure,
        search);
  if (search.ended)
    return {.key = search.found, .id = kNoId};
  // Equal logits: as many as are needed, by increasing id.
  const uint64_t each = tie_measure(search.found);
  const uint64_t needed = (search.wanted + each - 1) / each;
  if (needed >= search.count)
    return {.key = search.found, .id = kNoId};
  constexpr uint32_t kLastId = kClusterBlocks * kBlockTokens - 1;
  Search ids{.set = search.set, .wanted = needed};
  for (int shift = 15; shift >= 0 && !ids.ended; shift -= 3)
    search_digit(
        shared,
        round,
        shift,
        [&](int i, int at) {
          return (kLastId - tokens.first - static_cast<uint32_t>(i)) >> at & 7;
        },
        [](int) { return uint64_t{1}; },
        ids);
  return {.key = search.found, .id = kLastId - ids.found};
}

// The cut after the `count` best of `set`, which has as many.
__device__ inline Cut find_best(
    ClusterValues& shared,
    uint32_t& round,
    const ThreadTokens& tokens,
    uint32_t set,
    uint64_t count) {
  const auto one = [](auto) { return uint64_t{1}; };
  return find_cut(shared, round, tokens, set, count, one, one);
}

#endif

}  // namespace hadal::cuda
