// Cases of the router: the models' shapes, ties, hash layers of both widths.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/router/router_params.h"

namespace hadal {

enum class RouterKind { learned, tied, hash64, hash32 };

struct RouterCase {
  const char* name;
  int64_t tokens;
  int64_t experts;
  int64_t per_token;
  RouterKind kind;
  float logit_size = 3.0f;
};

// Scores differ in the last places of the exponential and the logarithm (3
// ulp), and the sum of six in one more: 1e-6 relatively would be a defect.
// Measured: up to 2.5e-7. The chosen experts must be equal: the inputs' scores
// are far apart, or exactly equal.
inline constexpr double kRouterTolerance = 8e-7;
inline constexpr double kRouterFloor = 1e-3;

inline constexpr RouterCase kRouterCases[] = {
    {"nano", 21, 16, 4, RouterKind::learned},
    {"nano, hash", 21, 16, 4, RouterKind::hash64},
    {"flash", 33, 256, 6, RouterKind::learned},
    {"flash, one token", 1, 256, 6, RouterKind::learned},
    {"flash, hash", 5, 256, 6, RouterKind::hash64},
    {"pro", 9, 384, 6, RouterKind::learned},
    {"pro, hash of 32 bits", 9, 384, 6, RouterKind::hash32},
    {"odd sizes", 10, 37, 5, RouterKind::learned},
    {"one expert", 3, 7, 1, RouterKind::learned},
    {"all experts", 3, 7, 7, RouterKind::learned},
    {"ties", 12, 64, 6, RouterKind::tied},
    {"large logits", 12, 64, 6, RouterKind::learned, 40.0f},
};

class RouterInputs {
 public:
  explicit RouterInputs(const RouterCase& shape);

  // Tokens [first, first + count), with outputs at `indices` and `weights`.
  RouterParams part(
      int64_t first, int64_t count, int32_t* indices, float* weights) const;

  const RouterCase& shape() const { return shape_; }

 private:
  RouterCase shape_;
  std::vector<float> logits_;
  std::vector<float> bias_;
  std::vector<int32_t> token_ids_;
  std::vector<int64_t> table64_;
  std::vector<int32_t> table32_;
};

}  // namespace hadal
