// Cases of the mixture of experts: the models' ratios at reduced widths, every
// grouping of tokens, formats and edges.
#pragma once

#include <cstdint>

#include "kernels/linear/linear_params.h"
#include "kernels/weight_view.h"

namespace hadal {

// How the cases choose experts for their tokens.
enum class ExpertChoice : uint8_t {
  spread,  // different experts for every token
  same,    // all tokens the same experts
  all,     // every expert (per_token == experts)
};

struct ExpertsCase {
  const char* name;
  int64_t tokens;
  int64_t hidden;
  int64_t inner;
  int64_t experts;
  int64_t per_token;
  WeightFormat routed;
  ActivationFormat routed_activation;
  WeightFormat shared;
  ActivationFormat shared_activation;
  ExpertChoice choice = ExpertChoice::spread;
  float limit = 10;
  bool gemm_fp8 = false;
};

// Two products in a row, each within 4 sqrt(K) 2^-24 of the reference (see
// linear_cases.h) relative to the norms of its factors; int8 and E4M3 inputs of
// the second may then round differently by one step where the first differs,
// which changes an output by a step of one term of its sum: about 1 / (127
// sqrt(inner)) of the output's size. Errors are taken relative to the largest
// output of the case.
inline constexpr double kExpertsTolerance = 1e-5;
inline constexpr double kExpertsRoundedTolerance = 2e-3;
inline constexpr double kExpertsFp8Tolerance = 1e-2;

inline constexpr ExpertsCase kExpertsCases[] = {
    {"flash, quarter width",
     2,
     1024,
     512,
     16,
     6,
     WeightFormat::mxfp4,
     ActivationFormat::int8,
     WeightFormat::fp8_block,
     ActivationFormat::bf16},
    {"nano",
     70,
     384,
     128,
     16,
     4,
     WeightFormat::mxfp4,
     ActivationFormat::int8,
     WeightFormat::fp8_block,
     ActivationFormat::bf16},
    {"nano exact",
     33,
     384,
     128,
     16,
     4,
     WeightFormat::mxfp4,
     ActivationFormat::f32,
     WeightFormat::fp8_block,
     ActivationFormat::f32},
    {"gemm_fp8",
     9,
     384,
     128,
     16,
     4,
     WeightFormat::mxfp4,
     ActivationFormat::f32,
     WeightFormat::fp8_block,
     ActivationFormat::bf16,
     ExpertChoice::spread,
     10,
     true},
    {"base: fp8 experts",
     5,
     256,
     128,
     8,
     2,
     WeightFormat::fp8_block,
     ActivationFormat::bf16,
     WeightFormat::fp8_block,
     ActivationFormat::bf16},
    {"mlx: affine",
     11,
     256,
     128,
     8,
     3,
     WeightFormat::affine,
     ActivationFormat::int8,
     WeightFormat::affine,
     ActivationFormat::int8},
    {"all tokens to the same",
     40,
     128,
     64,
     8,
     2,
     WeightFormat::mxfp4,
     ActivationFormat::f32,
     WeightFormat::bf16,
     ActivationFormat::f32,
     ExpertChoice::same},
    {"every expert",
     6,
     128,
     64,
     8,
     8,
     WeightFormat::mxfp4,
     ActivationFormat::f32,
     WeightFormat::bf16,
     ActivationFormat::f32,
     ExpertChoice::all},
    {"no limit",
     3,
     128,
     64,
     4,
     2,
     WeightFormat::bf16,
     ActivationFormat::f32,
     WeightFormat::f32,
     ActivationFormat::f32,
     ExpertChoice::spread,
     0},
    {"small limit, odd widths",
     7,
     96,
     50,
     5,
     3,
     WeightFormat::bf16,
     ActivationFormat::bf16,
     WeightFormat::f32,
     ActivationFormat::f32,
     ExpertChoice::spread,
     0.5F},
    {"many pairs",
     700,
     64,
     32,
     4,
     2,
     WeightFormat::mxfp4,
     ActivationFormat::f32,
     WeightFormat::mxfp4,
     ActivationFormat::f32},
    {"most tokens to one expert",
     600,
     64,
     32,
     4,
     1,
     WeightFormat::mxfp4,
     ActivationFormat::int8,
     WeightFormat::fp8_block,
     ActivationFormat::bf16,
     ExpertChoice::same},
};

}  // namespace hadal
