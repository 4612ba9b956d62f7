#include "kernels/experts/random_experts.h"

#include <algorithm>

namespace hadal {
namespace {

WeightView like(
    const ExpertsCase& the_case, bool routed, int64_t rows, int64_t cols) {
  const WeightFormat format = routed ? the_case.routed : the_case.shared;
  const bool scaled = format == WeightFormat::mxfp4 ||
                      format == WeightFormat::mxfp8 ||
                      format == WeightFormat::fp8_block;
  const bool affine = format == WeightFormat::affine;
  return {
      .format = format,
      .scale_format = format == WeightFormat::fp8_block ? the_case.block_scale
                      : scaled                          ? ScaleFormat::e8m0
                      : affine                          ? ScaleFormat::bf16
                                                        : ScaleFormat::none,
      .bits = !affine  ? uint8_t{0}
              : routed ? the_case.routed_bits
                       : the_case.shared_bits,
      .group = affine ? the_case.group : uint16_t{0},
      .rows = rows,
      .cols = cols};
}

}  // namespace

RandomExperts::RandomExperts(const ExpertsCase& the_case) : case_(the_case) {
  const int64_t hidden = the_case.hidden;
  const int64_t inner = the_case.inner;
  for (int64_t e = 0; e <= the_case.experts; ++e) {
    // The last one is the shared expert.
    const bool routed = e < the_case.experts;
    const uint64_t seed = static_cast<uint64_t>(10 * e);
    owned_.emplace_back(like(the_case, routed, inner, hidden), seed + 1);
    gate_.push_back(owned_.back().view());
    owned_.emplace_back(like(the_case, routed, inner, hidden), seed + 2);
    up_.push_back(owned_.back().view());
    owned_.emplace_back(like(the_case, routed, hidden, inner), seed + 3);
    down_.push_back(owned_.back().view());
  }
  // Gates of about one: silu is curved there.
  x_ = random_values(
      the_case.tokens * hidden, 7, 0.5F / static_cast<float>(hidden / 32));
  RandomNumbers random(8);
  for (int64_t t = 0; t < the_case.tokens; ++t) {
    std::vector<int32_t> ids;
    for (int32_t e = 0; e < the_case.experts; ++e)
      ids.push_back(e);
    if (the_case.choice == ExpertChoice::spread)
      for (size_t i = ids.size(); i > 1; --i)
        std::swap(ids[i - 1], ids[random.bits() % i]);
    ids.resize(static_cast<size_t>(the_case.per_token));
    std::sort(ids.begin(), ids.end());
    indices_.insert(indices_.end(), ids.begin(), ids.end());
    for (int64_t k = 0; k < the_case.per_token; ++k)
      weights_.push_back(
          0.1F + static_cast<float>(random.bits() % 1000) / 1000);
  }
}

ExpertsParams RandomExperts::params(
    int64_t first, int64_t count, float* y) const {
  return {
      .x = x_.data() + first * case_.hidden,
      .y = y,
      .tokens = count,
      .hidden = case_.hidden,
      .inner = case_.inner,
      .per_token = case_.per_token,
      .indices = indices_.data() + first * case_.per_token,
      .weights = weights_.data() + first * case_.per_token,
      .experts = {gate_.data(), up_.data(), down_.data(), case_.experts},
      .shared_gate = gate_.back(),
      .shared_up = up_.back(),
      .shared_down = down_.back(),
      .limit = case_.limit,
      .gemm_fp8 = case_.gemm_fp8,
      .expert_activation = case_.routed_activation,
      .shared_activation = case_.shared_activation};
}

}  // namespace hadal
