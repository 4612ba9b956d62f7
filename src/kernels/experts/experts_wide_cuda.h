// The mixture of experts for many tokens: the products of prompts
// (linear/wide_product.h), the same bits as those of one token.
#pragma once

#include "kernels/cuda/kernels.h"

namespace hadal::cuda {

// From so many tokens on an expert has enough of them for the wide products.
inline constexpr int64_t kWideExpertTokens = 96;

// Can it take these experts? A matter of formats, shapes, device.
bool takes_wide_experts(const ExpertsCudaParams& all);

// The routed experts into y, then the shared one, if any, on top of them.
void wide_experts(const ExpertsCudaParams& all);

}  // namespace hadal::cuda
