// Probabilities as whole numbers, and the draw: generation/probability_weight.h
// and generation/random.h on the device, operation by operation.
#pragma once

#include <cstdint>

namespace hadal::cuda {

constexpr double kLog2E = 1.4426950408889634;
constexpr double kFullWeight = 0x1p44;

__device__ inline double power_of_two(double y) {
  constexpr double kLn2 = 0.6931471805599453;
  y = y > -1001.0 ? y : -1001.0;
  const int whole = static_cast<int>(__dsub_rn(y, 0.5));
  const double r = __dmul_rn(__dsub_rn(y, whole), kLn2);
  double sum = 1.0 / 479001600;
  const auto step = [&](double factor) {
    sum = __dadd_rn(__dmul_rn(sum, r), factor);
  };
  step(1.0 / 39916800);
  step(1.0 / 3628800);
  step(1.0 / 362880);
  step(1.0 / 40320);
  step(1.0 / 5040);
  step(1.0 / 720);
  step(1.0 / 120);
  step(1.0 / 24);
  step(1.0 / 6);
  step(0.5);
  step(1.0);
  step(1.0);
  const double power =
      __longlong_as_double(static_cast<long long>(1023 + whole) << 52);
  return y < -1000 ? 0 : __dmul_rn(sum, power);
}

// Of a logit below the highest one, in units of 1 / scale.
__device__ inline double relative_power(
    float logit, float highest, double scale) {
  return power_of_two(__dmul_rn(
      __dsub_rn(static_cast<double>(logit), static_cast<double>(highest)),
      scale));
}

__device__ inline uint64_t token_weight(
    float logit, float highest, double scale) {
  return static_cast<uint64_t>(__dadd_rn(
      __dmul_rn(relative_power(logit, highest, scale), kFullWeight), 0.5));
}

// The least weight that min_p leaves.
__device__ inline uint64_t least_weight(float min_p) {
  return static_cast<uint64_t>(
      ceil(__dmul_rn(static_cast<double>(min_p), kFullWeight)));
}

// What the top tokens must weigh together for top_p of `total` > 0.
__device__ inline uint64_t wanted_weight(float top_p, uint64_t total) {
  const auto wanted = static_cast<uint64_t>(
      ceil(__dmul_rn(static_cast<double>(top_p), __ull2double_rn(total))));
  return wanted < 1 ? 1 : wanted > total ? total : wanted;
}

// random_bits(seed, step), scaled to a number below `total`.
__device__ inline uint64_t draw_ticket(
    uint64_t seed, uint64_t step, uint64_t total) {
  uint32_t key[2] = {
      static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  uint32_t counter[4] = {
      static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32), 0, 0};
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xD2511F53} * counter[0];
    const uint64_t second = uint64_t{0xCD9E8D57} * counter[2];
    counter[0] = static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0];
    counter[1] = static_cast<uint32_t>(second);
    counter[2] = static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1];
    counter[3] = static_cast<uint32_t>(first);
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return __umul64hi(
      counter[0] | static_cast<uint64_t>(counter[1]) << 32, total);
}

}  // namespace hadal::cuda
