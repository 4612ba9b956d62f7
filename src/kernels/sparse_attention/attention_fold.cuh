// How partial sums of spans become one output. The same operations stand here
// for the kernel that keeps the total in registers and for the one that reads
// the partial sums again: so both give the same bits.
#pragma once

#include "kernels/cuda/sums.cuh"

namespace hadal::cuda {

constexpr float kNothing = -__builtin_inff();

// sum_j exp(s_j - most) and, elsewhere, sum_j exp(s_j - most) k_j.
struct SoftmaxSum {
  float most = kNothing;
  float sum = 0;
};

// What the two sides of an addition are multiplied by.
struct FoldFactors {
  float total;
  float part;
};

// The first part meets a total of nothing: factors 0 and 1.
__device__ inline FoldFactors fold(SoftmaxSum& total, const SoftmaxSum& part) {
  const float most = fmaxf(total.most, part.most);
  const FoldFactors factors = {expf(total.most - most), expf(part.most - most)};
  total = {most, __fmaf_rn(total.sum, factors.total, part.sum * factors.part)};
  return factors;
}

__device__ inline float fold_value(
    float total, float part, const FoldFactors& factors) {
  return __fmaf_rn(total, factors.total, part * factors.part);
}

// With the sink, what the total of values is multiplied by.
__device__ inline float output_factor(const SoftmaxSum& total, float sink) {
  const float most = fmaxf(total.most, sink);
  const float factor = expf(total.most - most);
  return factor / __fmaf_rn(total.sum, factor, expf(sink - most));
}

// Cosine and sine of the rotation of pair `i` at a position.
__device__ inline float2 turn_of(
    float position, const float* frequencies, int i) {
  float2 turn;
  sincosf(position * frequencies[i], &turn.y, &turn.x);
  return turn;
}

// The inverse rotation (rotary.h).
__device__ inline float2 turn_back(float2 pair, float2 turn) {
  return {pair.x * turn.x + pair.y * turn.y, pair.y * turn.x - pair.x * turn.y};
}

}  // namespace hadal::cuda
