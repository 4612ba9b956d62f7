// Shares a product among the threads: by rows of the weight, or by tokens when
// the matrix has too few rows to go round. The split never changes a bit.
#include "base/aligned_buffer.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/product.h"

namespace hadal {
namespace {

// Rows are handed out in whole tiles of the widest kernel.
constexpr int64_t kRowGrain = 32;
constexpr int64_t kTokenGrain = 12;
// So few numbers are prepared before the others of the team would be awake.
constexpr int64_t kAloneInputs = 16 * 1024;

// Grows to the largest product of the thread, then stays.
std::byte* thread_scratch(int64_t bytes) {
  thread_local AlignedBuffer<std::byte> buffer;
  return buffer.reserve(bytes);
}

std::byte* input_memory(int64_t bytes) {
  thread_local AlignedBuffer<std::byte> buffer;
  return buffer.reserve(bytes);
}

}  // namespace

void linear_cpu(const LinearParams& params, ThreadTeam& team) {
  const WeightView& weight = params.weight;
  check_product(weight, params.activation);
  if (params.tokens == 0 || weight.rows == 0)
    return;
  const ProductInput input = lay_out_product_input(
      params.activation,
      params.tokens,
      weight.cols,
      input_memory(
          product_input_bytes(params.activation, params.tokens, weight.cols)));
  const auto prepare = [&](int64_t begin, int64_t end, int) {
    prepare_product_input(input, params.x, params.x_stride, begin, end);
  };
  if (params.tokens * weight.cols <= kAloneInputs)
    prepare(0, params.tokens, 0);
  else
    team.parallel_for(params.tokens, 1, prepare);
  const int64_t scratch_bytes = product_scratch_bytes(weight.cols);
  const int64_t row_tiles = (weight.rows + kRowGrain - 1) / kRowGrain;
  if (row_tiles >= team.size() || params.tokens < 2 * kTokenGrain) {
    team.parallel_for(
        weight.rows, kRowGrain, [&](int64_t begin, int64_t end, int) {
          product(
              input,
              nullptr,
              params.tokens,
              weight,
              begin,
              end,
              params.y + begin,
              params.y_stride,
              thread_scratch(scratch_bytes));
        });
    return;
  }
  team.parallel_for(
      params.tokens, kTokenGrain, [&](int64_t begin, int64_t end, int) {
        product(
            product_rows_from(input, begin),
            nullptr,
            end - begin,
            weight,
            0,
            weight.rows,
            params.y + begin * params.y_stride,
            params.y_stride,
            thread_scratch(scratch_bytes));
      });
}

}  // namespace hadal
