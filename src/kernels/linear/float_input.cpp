// Activations in the order of the float products, and their scratch memory.
#include <algorithm>
#include <bit>

#include "base/aligned_buffer.h"
#include "kernels/linear/float_order.h"
#include "kernels/linear/float_scratch.h"
#include "kernels/linear/product.h"

namespace hadal {
namespace {

// To nearest even; below 2^-64 zero, from 2^87 on infinite (linear.h). Without
// a branch.
uint32_t bf16_bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const bool nan = (bits & 0x7FFFFFFF) > 0x7F800000;
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0x7FFF0000;
  constexpr uint32_t kLeast = (127U - 64U) << 23;
  constexpr uint32_t kMost = (127U + 87U) << 23;
  const uint32_t limited = rounded < kLeast   ? 0
                           : rounded >= kMost ? 0x7F800000
                                              : rounded;
  return (nan ? 0x7FC00000 : limited) | (bits & 0x80000000);
}

// From row to row, in numbers: a line more than they take, since rows at
// multiples of 4 KB would share few cache sets.
int64_t bf16_stride(int64_t cols) {
  return float_groups(cols) * kFloatGroup + 32;
}

void order_row(
    const ProductInput& input, int64_t row, const float* from, int64_t cols) {
  const bool bf16 = input.format == ActivationFormat::bf16;
  float* floats = input.values + row * input.stride;
  uint16_t* pairs = input.pairs + row * input.stride;
  for (int64_t group = 0; group < cols; group += kFloatGroup) {
    float x[kFloatGroup];
    const int64_t count =
        cols - group < kFloatGroup ? cols - group : kFloatGroup;
    for (int64_t k = 0; k < kFloatGroup; ++k)
      x[k] = k < count ? from[group + k] : 0.0F;
    if (bf16)
      for (float& value : x)
        value = std::bit_cast<float>(bf16_bits(value));
    if (input.pairs != nullptr) {
      // Blocks of eight: the even ones, then the odd ones.
      for (int64_t block = 0; block < 8; ++block)
        for (int64_t i = 0; i < 8; ++i)
          pairs[group + block / 2 * 8 + block % 2 * 32 + i] =
              static_cast<uint16_t>(
                  std::bit_cast<uint32_t>(x[block * 8 + i]) >> 16);
      continue;
    }
    for (int64_t step = 0; step < 4; ++step)
      for (int64_t lane = 0; lane < kFloatLanes; ++lane)
        floats[group + step * kFloatLanes + lane] = x[float_column(lane, step)];
  }
}

}  // namespace

int64_t float_input_bytes(ActivationFormat format, int64_t rows, int64_t cols) {
  const bool pairs = format == ActivationFormat::bf16 && has_bf16_dot();
  return rows * (float_groups(cols) * kFloatGroup * (pairs ? 2 : 4) + 64);
}

ProductInput lay_out_float_input(
    ActivationFormat format, int64_t rows, int64_t cols, std::byte* memory) {
  ProductInput input{.format = format, .rows = rows, .cols = cols};
  if (format == ActivationFormat::bf16 && has_bf16_dot()) {
    input.pairs = reinterpret_cast<uint16_t*>(memory);
    input.stride = bf16_stride(cols);
  } else {
    input.values = reinterpret_cast<float*>(memory);
    input.stride = float_groups(cols) * kFloatGroup + 16;
  }
  return input;
}

void prepare_float_input(
    const ProductInput& input,
    const float* x,
    int64_t x_stride,
    int64_t begin,
    int64_t end) {
  for (int64_t r = begin; r < end; ++r)
    order_row(input, r, x + r * x_stride, input.cols);
}

ProductInput widened_input(
    const ProductInput& input, const int32_t* ids, int64_t count) {
  thread_local AlignedBuffer<float> buffer;
  ProductInput wide{
      .format = ActivationFormat::f32, .rows = count, .cols = input.cols};
  wide.stride = float_groups(input.cols) * kFloatGroup + 16;
  wide.values = buffer.reserve(count * wide.stride);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = ids != nullptr ? ids[i] : i;
    const uint16_t* from = input.pairs + row * input.stride;
    float* to = wide.values + i * wide.stride;
    for (int64_t group = 0; group < input.cols; group += kFloatGroup)
      for (int64_t k = 0; k < kFloatGroup; ++k) {
        const uint32_t bits = from[group + k / 16 * 8 + k / 8 % 2 * 32 + k % 8];
        to[group + float_step(k) * kFloatLanes + float_lane(k)] =
            std::bit_cast<float>(bits << 16);
      }
  }
  return wide;
}

FloatScratch lay_out_float_scratch(int64_t cols, std::byte* memory) {
  const int64_t groups = float_groups(cols);
  FloatScratch scratch;
  scratch.scale_room = (2 * groups + 15) / 16 * 16;
  const auto take = [&](int64_t bytes) {
    std::byte* at = memory;
    memory += (bytes + 63) / 64 * 64;
    return at;
  };
  scratch.starts = reinterpret_cast<float*>(take(kMaxPanelRows * 4));
  scratch.sums = reinterpret_cast<float*>(
      take(kMaxPanelRows * kMaxTileTokens * kFloatLanes * 4));
  scratch.scales =
      reinterpret_cast<float*>(take(kDecodedRows * scratch.scale_room * 4));
  scratch.biases =
      reinterpret_cast<float*>(take(kDecodedRows * scratch.scale_room * 4));
  scratch.codes =
      reinterpret_cast<uint8_t*>(take(kDecodedRows * groups * kFloatGroup));
  scratch.tokens =
      reinterpret_cast<uint16_t*>(take(kFewTokens * bf16_stride(cols) * 2));
  scratch.tail = reinterpret_cast<uint8_t*>(take(kDecodedRows * kTailBytes));
  scratch.panel = memory;
  return scratch;
}

int64_t float_scratch_bytes(int64_t cols) {
  const int64_t groups = float_groups(cols);
  const int64_t room = 2 * groups + 15;
  const int64_t arrays =
      kMaxPanelRows * 4 * (1 + kMaxTileTokens * kFloatLanes) +
      kDecodedRows * (8 * room + groups * kFloatGroup + kTailBytes) +
      kFewTokens * bf16_stride(cols) * 2;
  // The widest panel holds float32 rows, the narrowest bfloat16 ones.
  const int64_t wide = groups * kFloatGroup * 4 + 64;
  const int64_t narrow = groups * kFloatGroup * 2 + 64;
  return arrays + 8 * 64 +
         std::max(panel_rows(wide) * wide, panel_rows(narrow) * narrow);
}

}  // namespace hadal
