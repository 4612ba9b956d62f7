// How a piece of a unit lies in shared memory: some segments of sixteen rows,
// their scales, and the same columns of the inputs, by format.
#pragma once

#include "kernels/experts/expert_products.h"
#include "kernels/experts/expert_rows.cuh"

namespace hadal::cuda {

// Bytes of a segment of a row.
template <class Rows>
__host__ __device__ int segment_bytes(const WeightView& like) {
  return Rows::kChunks != 0 ? 64 * Rows::kChunks : 16 * like.bits;
}

// Bytes of the scales of a segment of a row; FP8 blocks: of a half.
template <class Rows>
__host__ __device__ int segment_scale_bytes(const WeightView& like) {
  if (Rows::kChunks != 0)
    return Rows::kScaleBytes;
  const int groups = like.group == 32 ? 4 : like.group == 64 ? 2 : 1;
  return groups * (like.scale_format == ScaleFormat::f32 ? 4 : 2);
}

// Offsets and distances in bytes. What lies over from row to row keeps the
// banks apart.
struct PieceLayout {
  int row = 0;     // of codes, from row to row
  int scales = 0;  // begin
  int scale_row = 0;
  int biases = 0;
  int inputs = 0;
  int part = 0;  // from part to part of a column
  int column = 0;
  int sums = 0;
  int sum_column = 0;
  int bytes = 0;
};

template <class Rows>
__host__ __device__ PieceLayout
piece_layout(const ExpertSide& side, int columns) {
  constexpr int kSegments = Rows::kPieceSegments;
  const WeightView& like = side.one;
  const bool affine = Rows::kChunks == 0;
  PieceLayout at;
  at.row = kSegments * segment_bytes<Rows>(like) + (affine ? 16 : 64);
  at.scales = 16 * at.row;
  at.scale_row = kSegments * segment_scale_bytes<Rows>(like) + 16;
  at.biases = at.scales + 16 * at.scale_row;
  at.inputs = at.biases + (affine ? 16 * at.scale_row : 0);
  at.part = kSegments * 2 * static_cast<int>(kSegmentColumns) + 16;
  at.column = side.input.parts * at.part;
  at.sums = at.inputs + columns * at.column;
  at.sum_column = affine ? kSegments * kExpertSumBytes : 0;
  at.bytes = at.sums + columns * at.sum_column;
  return at;
}

// A lane's rows of segment `segment` of a piece.
template <class Rows>
__device__ SegmentSource piece_source(
    const PieceLayout& at,
    const WeightView& like,
    const std::byte* piece,
    int segment) {
  const int lane = threadIdx.x % kWarp;
  const int g = lane / 4;
  const std::byte* const codes = piece + g * at.row +
                                 segment * segment_bytes<Rows>(like) +
                                 (Rows::kChunks != 0 ? lane % 4 * 16 : 0);
  constexpr bool kBlocks = Rows::kBlockScales;
  const int scale = segment * segment_scale_bytes<Rows>(like);
  const std::byte* const scales =
      piece + at.scales + scale + (kBlocks ? 0 : g * at.scale_row);
  const std::byte* const biases = piece + at.biases + scale + g * at.scale_row;
  // Of FP8 blocks a half has one row of scales.
  const int half = kBlocks ? at.scale_row : 8 * at.scale_row;
  return {
      .codes = {codes, codes + 8 * at.row},
      .chunk_bytes = 64,
      .scales = {scales, scales + half},
      .biases = {biases, biases + 8 * at.scale_row}};
}

template <class Rows>
__device__ GroupInputs piece_inputs(
    const PieceLayout& at,
    const ExpertSide& side,
    const std::byte* piece,
    int segment,
    int count) {
  const int lane = threadIdx.x % kWarp;
  const int g = lane / 4;
  return {
      piece + at.inputs + g * at.column + Rows::input_lane(lane % 4) +
          segment * 2 * static_cast<int>(kSegmentColumns),
      at.part,
      piece + at.sums + segment * kExpertSumBytes,
      at.sum_column,
      side.input.parts,
      count,
      g < count};
}

}  // namespace hadal::cuda
