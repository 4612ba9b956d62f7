// The products that tests, doctor and benchmarks walk over: shapes of the
// models and the edges of the kernels.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/linear/linear_params.h"

namespace hadal {

struct LinearCase {
  std::string name;
  WeightView weight;  // format and shape only, as RandomWeight takes it
  ActivationFormat activation = ActivationFormat::f32;
  int64_t tokens = 1;
};

// |y - reference| <= tolerance * |x| * |w| (Euclidean norms of the token and of
// the weight row). Both sum the same K products; the rounding errors of a sum
// of K terms of random sign grow like sqrt(K) * 2^-24 of that product at most,
// and 4 is the distance to an unlucky case.
inline double linear_tolerance(int64_t cols) {
  return 4 * std::sqrt(static_cast<double>(cols)) * 0x1p-24;
}

inline WeightView float_weight(
    WeightFormat format, int64_t rows, int64_t cols) {
  return {.format = format, .rows = rows, .cols = cols};
}
inline WeightView scaled_weight(
    WeightFormat format,
    int64_t rows,
    int64_t cols,
    ScaleFormat scale_format = ScaleFormat::e8m0) {
  return {
      .format = format,
      .scale_format = scale_format,
      .rows = rows,
      .cols = cols};
}
inline WeightView affine_weight(
    int bits,
    int group,
    int64_t rows,
    int64_t cols,
    ScaleFormat scale_format = ScaleFormat::bf16) {
  return {
      .format = WeightFormat::affine,
      .scale_format = scale_format,
      .bits = static_cast<uint8_t>(bits),
      .group = static_cast<uint16_t>(group),
      .rows = rows,
      .cols = cols};
}

inline std::vector<LinearCase> linear_cases() {
  using enum WeightFormat;
  const ActivationFormat full = ActivationFormat::f32;
  const ActivationFormat half = ActivationFormat::bf16;
  const ActivationFormat int8 = ActivationFormat::int8;
  const ActivationFormat int16 = ActivationFormat::int16;
  std::vector<LinearCase> cases = {
      // The models.
      {"flash wkv", scaled_weight(fp8_block, 512, 4096), half, 1},
      {"flash wq_a", scaled_weight(fp8_block, 1024, 4096), half, 7},
      {"pro wo_b slice", scaled_weight(fp8_block, 128, 16384), half, 2},
      {"flash expert w1", scaled_weight(mxfp4, 2048, 4096), int16, 1},
      {"flash expert w2", scaled_weight(mxfp4, 4096, 2048), int16, 1},
      {"pro expert w2", scaled_weight(mxfp4, 256, 3072), int16, 19},
      {"flash gate", float_weight(bf16, 256, 4096), full, 3},
      {"flash compressor", float_weight(bf16, 512, 4096), full, 9},
      {"flash hyper-connection", float_weight(f32, 24, 16384), full, 5},
      {"flash head slice", float_weight(bf16, 1024, 4096), full, 1},
      {"mlx wq_a", affine_weight(4, 64, 1024, 4096), int8, 1},
      {"mlx head slice", affine_weight(4, 64, 512, 4096), full, 1},
      {"flash expert w1, bf16", scaled_weight(mxfp4, 2048, 4096), half, 1},
      {"pro expert w2, bf16", scaled_weight(mxfp4, 256, 3072), half, 19},
      {"mlx wq_a, bf16", affine_weight(4, 64, 1024, 4096), half, 1},
      {"mlx wq_b, bf16", affine_weight(8, 32, 512, 1024), half, 9},
      {"nano wq_b", scaled_weight(fp8_block, 1024, 256), half, 130},
      {"nano expert w1", scaled_weight(mxfp4, 128, 384), int16, 33},
      {"nano expert w2", scaled_weight(mxfp4, 384, 128), int16, 64},
      {"nano head", float_weight(bf16, 4224, 384), full, 2},
      // Exact precision, and formats of other checkpoints.
      {"mxfp4 exact", scaled_weight(mxfp4, 100, 384), full, 1},
      {"mxfp4 exact panel", scaled_weight(mxfp4, 100, 384), full, 20},
      {"mxfp4 int8", scaled_weight(mxfp4, 128, 4096), int8, 1},
      {"mxfp4 int8 panel", scaled_weight(mxfp4, 128, 2048), int8, 19},
      {"mxfp8", scaled_weight(mxfp8, 65, 288), half, 1},
      {"mxfp8 panel", scaled_weight(mxfp8, 65, 288), full, 23},
      {"fp8 f32 scales",
       scaled_weight(fp8_block, 300, 384, ScaleFormat::f32),
       full,
       4},
      {"fp8 f32 scales, blocks",
       scaled_weight(fp8_block, 300, 384, ScaleFormat::f32),
       half,
       4},
      {"fp8 f32 scales panel",
       scaled_weight(fp8_block, 300, 384, ScaleFormat::f32),
       half,
       27},
      {"fp8 exact", scaled_weight(fp8_block, 150, 384), full, 1},
      {"fp8 exact panel", scaled_weight(fp8_block, 150, 384), full, 25},
      {"mxfp8 exact", scaled_weight(mxfp8, 65, 288), full, 2},
      {"f16", float_weight(f16, 33, 320), full, 2},
      {"f16 panel", float_weight(f16, 33, 320), full, 40},
      {"f32 panel", float_weight(f32, 70, 200), full, 17},
      {"bf16", float_weight(bf16, 65, 320), half, 3},
      {"bf16 panel", float_weight(bf16, 31, 96), half, 50},
      // Edges.
      {"one by one", float_weight(f32, 1, 1), full, 1},
      {"ragged f32", float_weight(f32, 5, 37), full, 13},
      {"ragged bf16", float_weight(bf16, 35, 75), full, 3},
      {"ragged fp8", scaled_weight(fp8_block, 131, 200), half, 1},
      {"ragged fp8 panel", scaled_weight(fp8_block, 131, 200), half, 29},
      {"ragged fp8 exact", scaled_weight(fp8_block, 131, 200), full, 2},
      {"ragged fp8, f32 scales",
       scaled_weight(fp8_block, 131, 330, ScaleFormat::f32),
       half,
       5},
      {"ragged fp8 panel, f32 scales",
       scaled_weight(fp8_block, 131, 330, ScaleFormat::f32),
       half,
       14},
      {"mxfp4 bf16", scaled_weight(mxfp4, 37, 224), half, 3},
      {"mxfp4 bf16 panel", scaled_weight(mxfp4, 37, 224), half, 31},
      {"ragged bf16 panel", float_weight(bf16, 35, 75), half, 11},
  };
  for (const ActivationFormat codes : {int8, int16}) {
    const std::string name = codes == int8 ? " int8" : " int16";
    const WeightView odd = scaled_weight(mxfp4, 37, 224);
    cases.push_back(
        {"one block" + name, scaled_weight(mxfp4, 17, 32), codes, 1});
    cases.push_back({"odd blocks" + name, odd, codes, 1});
    cases.push_back({"odd blocks, 3 tokens" + name, odd, codes, 3});
    cases.push_back({"odd blocks panel" + name, odd, codes, 31});
    // Whole vectors of blocks and a rest.
    const WeightView rest = scaled_weight(mxfp4, 21, 2144);
    cases.push_back({"a rest of blocks" + name, rest, codes, 2});
    cases.push_back({"a rest of blocks panel" + name, rest, codes, 14});
  }
  for (int bits : {2, 3, 4, 5, 6, 8})
    for (int group : {32, 64, 128}) {
      const ScaleFormat scale = group == 32   ? ScaleFormat::f32
                                : group == 64 ? ScaleFormat::bf16
                                              : ScaleFormat::f16;
      const std::string name =
          "affine " + std::to_string(bits) + " g" + std::to_string(group);
      const WeightView weight = affine_weight(bits, group, 45, 384, scale);
      cases.push_back({name + " int8", weight, int8, 2});
      cases.push_back({name + " int8 panel", weight, int8, 15});
      cases.push_back({name + " f32", weight, full, 3});
      cases.push_back({name + " bf16", weight, half, 2});
      cases.push_back({name + " bf16 panel", weight, half, 15});
      if (group == 32)
        cases.push_back(
            {name + " long int8",
             affine_weight(bits, group, 19, 1056, scale),
             int8,
             1});
      if (group == 64)
        cases.push_back(
            {name + " whole int8",
             affine_weight(bits, group, 19, 1024, scale),
             int8,
             1});
    }
  return cases;
}

}  // namespace hadal
