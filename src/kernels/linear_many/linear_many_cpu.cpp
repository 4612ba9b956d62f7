// Shares out the rows of all products together. The split never changes a bit.
#include "kernels/linear_many/linear_many.h"

#include <algorithm>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/product.h"

namespace hadal {
namespace {

// Up to here a product is bound by the memory it reads, and what it costs to
// start one shows.
constexpr int64_t kFewTokens = 16;
constexpr int64_t kTileRows = 32;  // rows are handed out in such multiples

std::byte* thread_scratch(int64_t bytes) {
  thread_local AlignedBuffer<std::byte> buffer;
  return buffer.reserve(bytes);
}

std::byte* input_memory(int64_t bytes) {
  thread_local AlignedBuffer<std::byte> buffer;
  return buffer.reserve(bytes);
}

bool same_input(const LinearParams& a, const LinearParams& b) {
  return a.x == b.x && a.x_stride == b.x_stride &&
         a.activation == b.activation && a.weight.cols == b.weight.cols;
}

// The products of one call: their tiles of rows, counted from one product to
// the next, and their inputs.
class Products {
 public:
  explicit Products(std::span<const LinearParams> products)
      : products_(products) {
    for (const LinearParams& params : products) {
      check_product(params.weight, params.activation);
      first_tile_.push_back(tiles_);
      tiles_ += (params.weight.rows + kTileRows - 1) / kTileRows;
      scratch_bytes_ =
          std::max(scratch_bytes_, product_scratch_bytes(params.weight.cols));
    }
    lay_out_inputs();
  }

  void run(ThreadTeam& team) {
    const int64_t tokens = products_.front().tokens;
    // A row of an input is about a microsecond.
    team.parallel_for(
        static_cast<int64_t>(prepared_.size()) * tokens,
        4,
        [&](int64_t begin, int64_t end, int /*member*/) {
          for (int64_t i = begin; i < end; ++i) {
            const LinearParams& params =
                products_[prepared_[static_cast<size_t>(i / tokens)]];
            prepare_product_input(
                inputs_[prepared_[static_cast<size_t>(i / tokens)]],
                params.x,
                params.x_stride,
                i % tokens,
                i % tokens + 1);
          }
        });
    team.parallel_for(
        tiles_, 1, [&](int64_t begin, int64_t end, int /*member*/) {
          multiply(begin, end);
        });
  }

 private:
  void lay_out_inputs() {
    inputs_.resize(products_.size());
    std::vector<int64_t> offsets(products_.size());
    int64_t bytes = 0;
    for (size_t i = 0; i < products_.size(); ++i) {
      const LinearParams& params = products_[i];
      if (first_with_input(i) != i)
        continue;
      prepared_.push_back(i);
      offsets[i] = bytes;
      const int64_t size = product_input_bytes(
          params.activation, params.tokens, params.weight.cols);
      bytes += (size + 63) / 64 * 64;
    }
    std::byte* memory = input_memory(bytes);
    for (size_t i = 0; i < products_.size(); ++i) {
      const LinearParams& params = products_[i];
      inputs_[i] = lay_out_product_input(
          params.activation,
          params.tokens,
          params.weight.cols,
          memory + offsets[first_with_input(i)]);
    }
  }

  size_t first_with_input(size_t index) const {
    size_t first = 0;
    while (!same_input(products_[first], products_[index]))
      ++first;
    return first;
  }

  void multiply(int64_t begin, int64_t end) const {
    for (size_t i = 0; i < products_.size(); ++i) {
      const LinearParams& params = products_[i];
      const int64_t first = std::max<int64_t>(begin - first_tile_[i], 0);
      const int64_t last = end - first_tile_[i];
      const int64_t row_begin = first * kTileRows;
      const int64_t row_end = std::min(last * kTileRows, params.weight.rows);
      if (row_begin < row_end)
        product(
            inputs_[i],
            nullptr,
            params.tokens,
            params.weight,
            row_begin,
            row_end,
            params.y + row_begin,
            params.y_stride,
            thread_scratch(scratch_bytes_));
    }
  }

  std::span<const LinearParams> products_;
  std::vector<int64_t> first_tile_;
  int64_t tiles_ = 0;
  int64_t scratch_bytes_ = 0;
  std::vector<ProductInput> inputs_;
  std::vector<size_t> prepared_;  // the first product of each input
};

}  // namespace

void linear_many_cpu(std::span<const LinearParams> products, ThreadTeam& team) {
  if (products.empty() || products.front().tokens == 0)
    return;
  if (products.size() > 1 && products.front().tokens <= kFewTokens) {
    Products(products).run(team);
    return;
  }
  for (const LinearParams& params : products)
    linear_cpu(params, team);
}

}  // namespace hadal
