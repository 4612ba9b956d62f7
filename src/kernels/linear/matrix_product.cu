#include "kernels/linear/matrix_product.h"

#include "base/check.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/prepare.cuh"
#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/weights.cuh"
#include "kernels/linear/matrix_codes.cuh"

namespace hadal::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kRows = 16;    // of a block
constexpr int kColumns = 8;  // tokens of an instruction
constexpr int kMostParts = 3;

// Columns that a lane takes of a segment: a quarter. Of FP4 it is one group.
template <WeightFormat kFormat>
constexpr int kMine = kFormat == WeightFormat::mxfp4 ? 32 : 16;
template <WeightFormat kFormat>
constexpr int kSegment = 4 * kMine<kFormat>;

// x [tokens, x_stride] as bfloat16 parts [parts, tokens, cols]. `nibbles`: of
// every eight columns in the order 0 4 1 5 2 6 3 7, in which FP4 codes come out
// of a word in pairs.
__global__ void split_kernel(
    const float* x,
    int64_t x_stride,
    int64_t tokens,
    int64_t cols,
    int parts,
    bool nibbles,
    uint16_t* out) {
  const int64_t k = blockIdx.x * int64_t{blockDim.x} + threadIdx.x;
  const int64_t t = blockIdx.y;
  if (k >= cols)
    return;
  const int64_t in_eight = k % 8;
  const int64_t to =
      nibbles ? k - in_eight + in_eight % 4 * 2 + in_eight / 4 : k;
  float rest = x[t * x_stride + k];
  for (int part = 0; part < parts; ++part) {
    const uint32_t bits = bf16_bits(rest);
    out[(part * tokens + t) * cols + to] = static_cast<uint16_t>(bits);
    rest = magnitude_bits(rest) < kFloatInfinity ? rest - bf16_value(bits) : 0;
  }
}

// A lane's inputs of one token and part, as pairs; zeros where there is none.
template <int kCount>
__device__ void load_inputs(
    const uint16_t* x, bool exists, Pair (&inputs)[kCount]) {
  const auto* const at = reinterpret_cast<const uint4*>(x);
#pragma unroll
  for (int i = 0; i < kCount / 4; ++i) {
    const uint4 four = exists ? __ldg(at + i) : uint4{0, 0, 0, 0};
    inputs[4 * i] = four.x;
    inputs[4 * i + 1] = four.y;
    inputs[4 * i + 2] = four.z;
    inputs[4 * i + 3] = four.w;
  }
}

template <WeightFormat kFormat, int kParts, int kTiles>
__global__ void __launch_bounds__(kWarps* kWarp) matrix_kernel(
    WeightView weight,
    const uint16_t* x,
    int64_t tokens,
    float* y,
    int64_t y_stride) {
  __shared__ float joined[kWarps][kRows][kTiles * kColumns];
  constexpr int kPairs = kMine<kFormat> / 2;
  constexpr int64_t kStep = int64_t{kWarps} * kSegment<kFormat>;
  constexpr bool kBlocks = kFormat == WeightFormat::fp8_block;
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  const int g = lane / 4;
  const int q = lane % 4;
  const int64_t first_row = blockIdx.x * int64_t{kRows};
  const int64_t first_token = blockIdx.y * int64_t{kTiles * kColumns};
  const int64_t cols = weight.cols;
  // Rows beyond the last are read as the last, and not written.
  const int64_t row_low = min(first_row + g, weight.rows - 1);
  const int64_t row_high = min(first_row + g + 8, weight.rows - 1);

  float total[kTiles][4] = {};
  int64_t k = warp * kSegment<kFormat> + q * kMine<kFormat>;
  Codes<kFormat> low;
  Codes<kFormat> high;
  if (k < cols) {
    low.load(weight, row_low, k);
    high.load(weight, row_high, k);
  }
  for (; k < cols; k += kStep) {
    Pair w_low[kPairs];
    Pair w_high[kPairs];
    low.pairs(w_low);
    high.pairs(w_high);
    // The next segment's codes are on their way while this one is multiplied.
    if (k + kStep < cols) {
      low.load(weight, row_low, k + kStep);
      high.load(weight, row_high, k + kStep);
    }
    float segment[kTiles][4] = {};
    auto& sums = kBlocks ? segment : total;
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const int64_t token = first_token + tile * kColumns + g;
#pragma unroll
      for (int part = kParts - 1; part >= 0; --part) {
        Pair inputs[kPairs];
        load_inputs(
            x + (part * tokens + token) * cols + k, token < tokens, inputs);
#pragma unroll
        for (int j = 0; j < kPairs; j += 2) {
          const Pair weights[4] = {
              w_low[j], w_high[j], w_low[j + 1], w_high[j + 1]};
          multiply_add(sums[tile], weights, inputs[j], inputs[j + 1]);
        }
      }
    }
    if (kBlocks) {
      const float scale = stored_number(
          weight.scale_format,
          weight.scales + first_row / 128 * weight.scale_stride,
          k / 128);
      for (int tile = 0; tile < kTiles; ++tile)
        for (int i = 0; i < 4; ++i)
          total[tile][i] = __fmaf_rn(segment[tile][i], scale, total[tile][i]);
    }
  }

  for (int tile = 0; tile < kTiles; ++tile)
    for (int i = 0; i < 4; ++i)
      joined[warp][g + i / 2 * 8][tile * kColumns + q * 2 + i % 2] =
          total[tile][i];
  __syncthreads();
  for (int i = threadIdx.x; i < kRows * kTiles * kColumns;
       i += kWarps * kWarp) {
    const int row = i % kRows;
    const int column = i / kRows;
    float sum = 0;
    for (int w = 0; w < kWarps; ++w)
      sum += joined[w][row][column];
    if (first_row + row < weight.rows && first_token + column < tokens)
      y[(first_token + column) * y_stride + first_row + row] = sum;
  }
}

template <WeightFormat kFormat, int kParts, int kTiles>
void launch(const LinearParams& params, const uint16_t* x) {
  const dim3 grid(
      blocks(params.weight.rows, kRows),
      blocks(params.tokens, kTiles * kColumns));
  matrix_kernel<kFormat, kParts, kTiles><<<grid, kWarps * kWarp, 0, stream()>>>(
      params.weight, x, params.tokens, params.y, params.y_stride);
}

template <WeightFormat kFormat, int kParts>
void choose_tiles(const LinearParams& params, const uint16_t* x) {
  if (params.tokens <= kColumns)
    launch<kFormat, kParts, 1>(params, x);
  else
    launch<kFormat, kParts, 4>(params, x);
}

template <WeightFormat kFormat>
void choose_parts(const LinearParams& params, const uint16_t* x, int parts) {
  if (parts == 1)
    choose_tiles<kFormat, 1>(params, x);
  else if (parts == 2)
    choose_tiles<kFormat, 2>(params, x);
  else
    choose_tiles<kFormat, 3>(params, x);
}

// Codes times their scale have up to 24 bits, as float32 has.
int parts_of(ActivationFormat format) {
  return format == ActivationFormat::bf16 ? 1 : kMostParts;
}

bool is_aligned(const WeightView& weight) {
  return reinterpret_cast<uintptr_t>(weight.data) % 16 == 0 &&
         weight.row_bytes % 16 == 0;
}

}  // namespace

bool takes_matrix_product(const WeightView& weight) {
  const bool format = weight.format == WeightFormat::bf16 ||
                      weight.format == WeightFormat::fp8_block ||
                      weight.format == WeightFormat::mxfp8 ||
                      weight.format == WeightFormat::mxfp4;
  const int segment = weight.format == WeightFormat::mxfp4
                          ? kSegment<WeightFormat::mxfp4>
                          : kSegment<WeightFormat::bf16>;
  return format && weight.cols % segment == 0 && weight.row_bytes % 16 == 0;
}

void matrix_product(const LinearParams& params) {
  HADAL_CHECK(is_aligned(params.weight));
  const int64_t cols = params.weight.cols;
  const int parts = parts_of(params.activation);
  const float* input = params.x;
  int64_t stride = params.x_stride;
  if (is_integer(params.activation)) {
    static DeviceBuffer rounded;
    auto* const out = rounded.reserve_array<float>(params.tokens * cols);
    prepare_activations(
        input, stride, params.tokens, cols, params.activation, false, out);
    input = out;
    stride = cols;
  }
  static DeviceBuffer memory;
  auto* const x = memory.reserve_array<uint16_t>(parts * params.tokens * cols);
  constexpr int kThreads = 128;
  split_kernel<<<
      dim3(blocks(cols, kThreads), static_cast<unsigned>(params.tokens)),
      kThreads,
      0,
      stream()>>>(
      input,
      stride,
      params.tokens,
      cols,
      parts,
      params.weight.format == WeightFormat::mxfp4,
      x);
  switch (params.weight.format) {
    case WeightFormat::bf16:
      choose_parts<WeightFormat::bf16>(params, x, parts);
      break;
    case WeightFormat::fp8_block:
      choose_parts<WeightFormat::fp8_block>(params, x, parts);
      break;
    case WeightFormat::mxfp8:
      choose_parts<WeightFormat::mxfp8>(params, x, parts);
      break;
    default:
      choose_parts<WeightFormat::mxfp4>(params, x, parts);
      break;
  }
  check(cudaGetLastError(), "a matrix product");
}

}  // namespace hadal::cuda
