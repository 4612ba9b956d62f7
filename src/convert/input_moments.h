// How the input channels of a product go together: E[x x^T] over the vectors
// that come in. Errors of two channels that go together can cancel out, which
// the search uses (kernels/codecs/affine_encode.h). Internal to this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "base/thread_team.h"
#include "convert/source_tensors.h"
#include "kernels/codecs/affine_encode.h"

namespace hadal {

// Second moments [cols, block]: columns lie in blocks from a multiple of
// `block` on, and row i has E[x_i x_j] for the columns j of its block. Entries
// past the last column are zero.
struct InputMoments {
  int64_t cols = 0;
  int64_t block = 0;
  std::vector<float> values;
};

// The matrix that stands for all that read the same vectors as this one: wq_a
// for whatever reads attention's input, wq_b for the query's, the experts' w1
// for the feed-forward's, else the matrix itself.
TensorId moments_holder(TensorId matrix);

inline constexpr int64_t kLargestMomentBlock = 512;

// Whether a block is one that the encoder takes for so many columns: all of
// them, up to 512, or a power of two; a multiple of 32.
bool is_moment_block(int64_t block, int64_t cols);

// Columns a block for a model: as many as 256 MB of moments allow for the
// experts' w2, each of which has its own, and for all else; at most 512. 0
// when not even blocks of 64 would do. A table of ids or an embedding has none.
struct MomentBlocks {
  int64_t experts_w2 = 0;
  int64_t others = 0;
};
MomentBlocks moment_blocks(const std::vector<SourceTensor>& tensors);

// Sums over the vectors of a product.
class MomentSum {
 public:
  // `block` as moment_blocks says, cut to the columns; a multiple of 32.
  MomentSum(int64_t cols, int64_t block);

  // Vectors [rows, cols] with a stride in floats.
  void add(const float* x, int64_t stride, int64_t rows, ThreadTeam& team);

  // Means, with the products of different channels made smaller the fewer
  // vectors there were: of few, much seems to go together by chance.
  InputMoments moments() const;

 private:
  int64_t cols_;
  int64_t block_;
  int64_t vectors_ = 0;
  std::vector<double> sums_;  // [cols, block]
};

// The moments as what errors cost: their Cholesky factor. Throws
// Error(invalid_argument) when they are no moments of anything.
class ErrorFactors {
 public:
  explicit ErrorFactors(const InputMoments& moments);
  // Points into this.
  ErrorMetric metric() const;

 private:
  int64_t block_;
  std::vector<float> weights_;
  std::vector<float> factors_;
  std::vector<float> products_;
};

// What the errors of a row cost by a metric (kernels/codecs/affine_encode.h).
double error_cost(const ErrorMetric& metric, const std::vector<float>& errors);

}  // namespace hadal
