// The passes of the sampler over a whole vocabulary, on the best instruction
// set here. The same bits on every one: only basic operations on doubles, in
// the order of probability_weight.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hadal {

// Tokens that a pass sums up, so that later passes look only where they must.
inline constexpr int64_t kTokenBlock = 64;

constexpr int64_t token_blocks(int64_t count) {
  return (count + kTokenBlock - 1) / kTokenBlock;
}

// Copies `count` logits. False when one of them is NaN or plus infinity.
bool copy_logits(const float* logits, int64_t count, float* out);

// maxima[b] = the largest logit of block b; no NaN among them.
void block_maxima(const float* logits, int64_t count, float* maxima);

// The weights of all tokens, and the sum and the largest of every block.
struct TokenWeights {
  std::vector<uint64_t> weights;  // [vocabulary]
  std::vector<uint64_t> sums;     // [blocks]
  std::vector<uint64_t> peaks;    // [blocks]
};

// weights[i] = weight_of((logits[i] - highest) * scale), highest the largest
// logit and scale > 0.
void weigh_tokens(
    std::span<const float> logits,
    double highest,
    double scale,
    TokenWeights& out);

// powers[i] = power_of_two((logits[i] - highest) * scale).
void token_powers(
    const float* logits,
    int64_t count,
    double highest,
    double scale,
    double* powers);

}  // namespace hadal
