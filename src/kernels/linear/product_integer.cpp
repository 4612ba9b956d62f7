// Products with int8 and int16 activations: exact integers inside a block of 32
// columns, float32 accumulators over the blocks (linear.h). Here: which kernel
// does the work, and the plain one for machines without vectors.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/codecs/affine.h"
#include "kernels/linear/integer_job.h"
#include "kernels/linear/weight_scales.h"

namespace hadal {
namespace {

// Twice the E2M1 values plus 12: unsigned, as the vector kernels take them.
constexpr uint8_t kFp4Codes[16] = {
    12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

// Columns [k, k + 32) of a row as unsigned codes, even ones first.
void decode_block(
    const WeightView& weight, int64_t row, int64_t k, uint8_t* codes) {
  const bool fp4 = weight.format == WeightFormat::mxfp4;
  uint8_t ordered[32];
  unpack_affine(
      fp4 ? 4 : weight.bits,
      weight.data + row * weight.row_bytes,
      k,
      32,
      ordered);
  for (int i = 0; i < 32; ++i)
    codes[i % 2 * 16 + i / 2] = fp4 ? kFp4Codes[ordered[i]] : ordered[i];
}

// Adds block b of one row of activations to `acc`.
float add_plain_block(
    const IntegerJob& job,
    const int8_t* x,
    int64_t b,
    const uint8_t* codes,
    float scale,
    float bias,
    float acc) {
  const ActivationFormat format = job.input->format;
  const int8_t* group =
      x + group_place(b / kGroupBlocks, job.weight->cols) * group_bytes(format);
  const int in_group = static_cast<int>(b % kGroupBlocks);
  const BlockFactors& factors = *reinterpret_cast<const BlockFactors*>(
      group + group_bytes(format) - sizeof(BlockFactors));
  int32_t sum = 0;
  for (int64_t plane = 0; plane < code_planes(format); ++plane) {
    const int8_t* from = group + plane * kGroupColumns + 16 * in_group;
    sum *= 256;
    for (int i = 0; i < 16; ++i)
      sum += from[i] * codes[i] + from[64 + i] * codes[16 + i];
  }
  const float s = factors.scale[in_group];
  if (job.weight->format == WeightFormat::mxfp4)
    return std::fma(
        static_cast<float>(sum + factors.offset[in_group]),
        s * (scale * 0.5F),
        acc);
  acc = std::fma(static_cast<float>(sum), s * scale, acc);
  return std::fma(factors.scaled_sum[in_group], bias, acc);
}

}  // namespace

void plain_integer_product(const IntegerJob& job) {
  const WeightView& weight = *job.weight;
  const bool affine = weight.format == WeightFormat::affine;
  std::vector<float> sums(static_cast<size_t>(job.count * kIntegerSums));
  for (int64_t r = job.row_begin; r < job.row_end; ++r) {
    std::fill(sums.begin(), sums.end(), 0.0F);
    for (int64_t b = 0; b < weight.cols / 32; ++b) {
      uint8_t codes[32];
      decode_block(weight, r, 32 * b, codes);
      const float scale = weight_scale(weight, r, 32 * b);
      const float bias = affine ? weight_bias(weight, r, 32 * b) : 0;
      for (int64_t t = 0; t < job.count; ++t) {
        float& sum =
            sums[static_cast<size_t>(t * kIntegerSums + b % kIntegerSums)];
        sum = add_plain_block(
            job,
            job.input->codes + job.input_row(t) * job.input->code_stride,
            b,
            codes,
            scale,
            bias,
            sum);
      }
    }
    for (int64_t t = 0; t < job.count; ++t) {
      float y = 0;
      for (int64_t i = 0; i < kIntegerSums; ++i)
        y += sums[static_cast<size_t>(t * kIntegerSums + i)];
      job.y[t * job.y_stride + r - job.row_begin] = y;
    }
  }
}

void prepare_integer_input(
    const ProductInput& input,
    const float* x,
    int64_t x_stride,
    int64_t begin,
    int64_t end) {
  for (int64_t r = begin; r < end; ++r)
    prepare_integer_row(
        input.format,
        x + r * x_stride,
        input.cols,
        input.codes + r * input.code_stride);
}

void integer_product(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    std::byte* scratch) {
  const IntegerJob job = {
      &input, ids, count, &weight, row_begin, row_end, y, y_stride};
  if (count <= kRowTokens)
    integer_rows(job, scratch);
  else
    integer_panels(job, scratch);
}

int64_t integer_scratch_bytes(int64_t cols) {
  return std::max(integer_panel_bytes(), integer_rows_bytes(cols));
}

}  // namespace hadal
