// Contract of the sampling of tokens on CUDA.
#pragma once

#include <span>

#include "kernels/sampling/sampling_params.h"

namespace hadal {

// The longest vocabulary.
inline constexpr int64_t kMaxSampledTokens = 131072;

// Chooses a token for every row, all in one launch. The structs are the host's,
// every pointer in them the device's.
//
// Equal bits: `token`, `state`, `logit`, `highest` and `likely` are what
// generation/sampler.h makes of the same logits, whatever the options:
// probabilities are whole numbers there, made of basic operations on doubles,
// and whole numbers have the same sum in every order. power_sum is a sum of
// doubles (power_of_two of generation/probability_weight.h), in this order:
// sixteen tokens in increasing order, from zero; 32 of these sums by a tree
// (i takes i + 16, then i + 8, i + 4, i + 2, i + 1); 16 of those in increasing
// order; then these. So a row's bits depend on its logits and options alone.
//
// False, and nothing is done, where clusters of sixteen blocks cannot run
// (before capability 9.0), or for more than kMaxSampledTokens: then the logits
// go to the host and are sampled there.
bool sample_cuda(std::span<const SampleParams> rows);

}  // namespace hadal
