#include "convert/input_moments.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "hadal/error.h"
#include "kernels/backend.h"

namespace hadal {
namespace {

using enum TensorId;

constexpr int64_t kLeastBlock = 64;
constexpr int64_t kMomentBytes = 256 << 20;  // of each kind

// The largest block within the bytes.
int64_t block_of(int64_t columns) {
  for (int64_t block = kLargestMomentBlock; block >= kLeastBlock; block /= 2)
    if (columns * block * 4 <= kMomentBytes)
      return block;
  return 0;
}

// Added to every mean square, as a share of their mean: for channels that were
// silent in the text, and for rounding. The customary value of GPTQ.
constexpr double kDamping = 0.01;

// What is kept of the products of different channels. With as many vectors as
// channels, nine tenths.
double kept_share(double vectors, double channels) {
  return vectors / (vectors + 0.1 * channels);
}

// A = R R^T with R upper triangular, in place for the entries on and above the
// diagonal; column by column from the last. False when there is no such R.
bool factor(std::vector<double>& a, int64_t n) {
  std::vector<double> column(static_cast<size_t>(n));
  for (int64_t j = n - 1; j >= 0; --j) {
    const double pivot = std::sqrt(a[static_cast<size_t>(j * n + j)]);
    if (!(pivot > 0))
      return false;
    for (int64_t i = 0; i <= j; ++i) {
      double& entry = a[static_cast<size_t>(i * n + j)];
      entry /= pivot;
      column[static_cast<size_t>(i)] = entry;
    }
    for (int64_t i = 0; i < j; ++i) {
      const double scale = column[static_cast<size_t>(i)];
      double* row = a.data() + i * n;
      for (int64_t k = i; k < j; ++k)
        row[k] -= scale * column[static_cast<size_t>(k)];
    }
  }
  return true;
}

}  // namespace

TensorId moments_holder(TensorId matrix) {
  switch (matrix) {
    case wkv:
    case compressor_wkv:
    case compressor_wgate:
    case indexer_weights_proj:
    case indexer_compressor_wkv:
    case indexer_compressor_wgate:
      return wq_a;
    case indexer_wq_b:
      return wq_b;
    case expert_w3:
    case shared_w1:
    case shared_w3:
      return expert_w1;
    default:
      return matrix;
  }
}

bool is_moment_block(int64_t block, int64_t cols) {
  if (block % 32 != 0 || block <= 0 || block > kLargestMomentBlock)
    return false;
  return block == cols || (block & (block - 1)) == 0;
}

MomentBlocks moment_blocks(const std::vector<SourceTensor>& tensors) {
  int64_t experts_w2 = 0;
  int64_t others = 0;
  for (const SourceTensor& tensor : tensors) {
    if (rule(tensor.id).storage != TensorStorage::matrix ||
        tensor.block.scope == TensorScope::mtp ||
        moments_holder(tensor.id) != tensor.id)
      continue;
    const bool own = tensor.id == expert_w2 ||
                     rule(tensor.id).count == TensorCount::per_group;
    const int64_t columns =
        tensor.shape.cols *
        (own ? static_cast<int64_t>(tensor.items.size()) : 1);
    (tensor.id == expert_w2 ? experts_w2 : others) += columns;
  }
  return {block_of(experts_w2), block_of(others)};
}

MomentSum::MomentSum(int64_t cols, int64_t block)
    : cols_(cols),
      block_(std::min(block, cols)),
      sums_(static_cast<size_t>(cols * block_)) {
  HADAL_CHECK(block_ % 32 == 0);
}

void MomentSum::add(
    const float* x, int64_t stride, int64_t rows, ThreadTeam& team) {
  // The products of all pairs of columns are a product of the turned vectors
  // with themselves.
  std::vector<float> turned(static_cast<size_t>(block_ * rows));
  std::vector<float> products(static_cast<size_t>(block_ * block_));
  for (int64_t begin = 0; begin < cols_; begin += block_) {
    const int64_t count = std::min(block_, cols_ - begin);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t row = 0; row < rows; ++row)
        turned[static_cast<size_t>(i * rows + row)] =
            x[row * stride + begin + i];
    WeightView view;
    view.rows = count;
    view.cols = rows;
    view.row_bytes = rows * 4;
    view.data = reinterpret_cast<const std::byte*>(turned.data());
    cpu_backend().linear(
        {.x = turned.data(),
         .x_stride = rows,
         .y = products.data(),
         .y_stride = block_,
         .tokens = count,
         .weight = view},
        team);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t k = 0; k < count; ++k)
        sums_[static_cast<size_t>((begin + i) * block_ + k)] +=
            static_cast<double>(products[static_cast<size_t>(i * block_ + k)]);
  }
  vectors_ += rows;
}

InputMoments MomentSum::moments() const {
  InputMoments out{cols_, block_, {}};
  out.values.reserve(sums_.size());
  const auto vectors = static_cast<double>(vectors_);
  const double shared = kept_share(vectors, static_cast<double>(block_));
  for (int64_t i = 0; i < cols_; ++i)
    for (int64_t k = 0; k < block_; ++k) {
      const double mean = sums_[static_cast<size_t>(i * block_ + k)] / vectors;
      out.values.push_back(
          static_cast<float>(k == i % block_ ? mean : shared * mean));
    }
  return out;
}

ErrorFactors::ErrorFactors(const InputMoments& moments)
    : block_(moments.block),
      weights_(static_cast<size_t>(moments.cols), 1),
      factors_(moments.values.size()),
      products_(moments.values.size()) {
  for (int64_t begin = 0; begin < moments.cols; begin += block_) {
    const int64_t n = std::min(block_, moments.cols - begin);
    std::vector<double> a(static_cast<size_t>(n * n));
    double trace = 0;
    for (int64_t i = 0; i < n; ++i) {
      const float* from = moments.values.data() + (begin + i) * block_;
      std::copy(from, from + n, a.begin() + i * n);
      trace += a[static_cast<size_t>(i * n + i)];
    }
    const double more =
        trace > 0 ? kDamping * trace / static_cast<double>(n) : 1.0;
    for (int64_t i = 0; i < n; ++i)
      a[static_cast<size_t>(i * n + i)] += more;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j)
        products_[static_cast<size_t>((begin + i) * block_ + j)] =
            static_cast<float>(a[static_cast<size_t>(i * n + j)]);
    if (!factor(a, n))
      throw Error(
          ErrorCode::invalid_argument,
          "importance: moments that no inputs can have (their matrix is not "
          "positive); measure it again with hadal eval importance");
    for (int64_t j = 0; j < n; ++j) {
      const double pivot = a[static_cast<size_t>(j * n + j)];
      weights_[static_cast<size_t>(begin + j)] =
          static_cast<float>(pivot * pivot);
      for (int64_t i = 0; i <= j; ++i)
        factors_[static_cast<size_t>((begin + i) * block_ + j)] =
            static_cast<float>(a[static_cast<size_t>(i * n + j)] / pivot);
    }
  }
}

ErrorMetric ErrorFactors::metric() const {
  return {weights_.data(), factors_.data(), products_.data(), block_};
}

double error_cost(const ErrorMetric& metric, const std::vector<float>& errors) {
  std::vector<double> mixed(errors.begin(), errors.end());
  const auto cols = static_cast<int64_t>(errors.size());
  if (metric.factors != nullptr) {
    std::ranges::fill(mixed, 0.0);
    for (int64_t i = 0; i < cols; ++i) {
      const int64_t begin = i / metric.block * metric.block;
      const int64_t end = std::min(cols, begin + metric.block);
      const float* factors = metric.factors + i * metric.block;
      for (int64_t j = i; j < end; ++j)
        mixed[static_cast<size_t>(j)] +=
            static_cast<double>(factors[j - begin]) *
            static_cast<double>(errors[static_cast<size_t>(i)]);
    }
  }
  double sum = 0;
  for (size_t j = 0; j < mixed.size(); ++j)
    sum +=
        (metric.weights == nullptr ? 1.0
                                   : static_cast<double>(metric.weights[j])) *
        mixed[j] * mixed[j];
  return sum;
}

}  // namespace hadal
