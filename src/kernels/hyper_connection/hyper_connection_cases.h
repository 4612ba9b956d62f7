// Cases of the hyper-connections: the models' shapes, other numbers of streams,
// odd sizes.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/hyper_connection/hyper_connection_params.h"
#include "kernels/random_weight.h"

namespace hadal {

struct HyperConnectionCase {
  const char* name;
  int64_t tokens;
  int64_t n;
  int64_t dim;
  WeightFormat fn_format = WeightFormat::f32;
  int64_t sinkhorn_iterations = 20;
};

// mix has size 1: the rows of fn have length 1 and rho normalises the streams.
// Its sums of n * dim terms run in another order than the reference's, which
// adds up to 16,384 terms in one float32; the coefficients and x follow mix
// with factors of about 1; the norm divides x by about 1. Measured: up
// to 3.6e-6 (Flash), 1e-6 (small).
inline constexpr double kHyperConnectionTolerance = 1e-5;
inline constexpr double kHyperConnectionFloor = 1.0;

inline constexpr HyperConnectionCase kHyperConnectionCases[] = {
    {"nano, one token", 1, 4, 256},
    {"nano, chunk", 37, 4, 256},
    {"flash, one token", 1, 4, 4096},
    {"flash, five tokens", 5, 4, 4096},
    {"flash, chunk", 70, 4, 4096},
    {"flash, one token, bf16", 1, 4, 4096, WeightFormat::bf16},
    {"bf16 weights", 6, 4, 320, WeightFormat::bf16},
    {"bf16 weights, chunk", 50, 4, 320, WeightFormat::bf16},
    {"odd last piece", 35, 4, 1037},
    {"odd last piece, bf16", 35, 4, 1037, WeightFormat::bf16},
    {"one stream", 3, 1, 96},
    {"two streams", 18, 2, 100},
    {"three streams, odd size", 5, 3, 37},
    {"eight streams", 4, 8, 64},
    {"one iteration", 4, 4, 64, WeightFormat::f32, 1},
};

// A case's inputs and room for its outputs.
class HyperConnectionInputs {
 public:
  explicit HyperConnectionInputs(const HyperConnectionCase& shape);

  // Tokens [first, first + count); outputs go to the vectors below at `first`.
  HyperConnectionPreParams pre(int64_t first, int64_t count);
  HyperConnectionPostParams post(int64_t first, int64_t count);
  HyperConnectionBetweenParams between(int64_t first, int64_t count);
  HyperConnectionHeadParams head(int64_t first, int64_t count);

  // x, post and comb of `pre` one after the other.
  std::vector<float> pre_outputs() const;

  const HyperConnectionCase& shape() const { return shape_; }

  std::vector<float> x;         // [tokens, dim]
  std::vector<float> post_out;  // [tokens, n]
  std::vector<float> comb;      // [tokens, n, n]
  std::vector<float> out;       // [tokens, n, dim]
  std::vector<float> head_x;

 private:
  HyperConnectionCase shape_;
  std::vector<float> streams_;
  std::vector<float> y_;
  std::vector<float> base_;
  std::vector<float> scale_;
  std::vector<float> fixed_post_;
  std::vector<float> fixed_comb_;
  std::vector<float> norm_weight_;
  std::vector<std::byte> fn_;  // [2n + n*n, n*dim]
  WeightView fn_view_;
};

}  // namespace hadal
