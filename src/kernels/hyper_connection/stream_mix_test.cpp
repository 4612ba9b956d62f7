// The sums of the hyper-connections, to the bit what hyper_connection.h says.
#include "kernels/hyper_connection/stream_mix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/case_targets.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/hyper_connection/hyper_connection_cases.h"
#include "kernels/same_bits.h"

namespace hadal {
namespace {

// Word by word: the sums of the rows of fn, then
// the squares.
std::vector<float> contract_sums(
    const std::vector<std::vector<float>>& rows,
    const float* streams,
    int64_t n,
    int64_t dim) {
  std::vector<float> sums;
  for (size_t r = 0; r <= rows.size(); ++r) {
    const float* row = r < rows.size() ? rows[r].data() : streams;
    float lanes[16] = {};
    for (int64_t begin = 0; begin < dim; begin += kMixPiece) {
      float piece[16] = {};
      for (int64_t s = 0; s < n; ++s)
        for (int64_t i = begin; i < std::min(dim, begin + kMixPiece); ++i)
          piece[i % 16] =
              std::fma(streams[s * dim + i], row[s * dim + i], piece[i % 16]);
      for (int l = 0; l < 16; ++l)
        lanes[l] = begin == 0 ? piece[l] : lanes[l] + piece[l];
    }
    for (int h = 8; h > 0; h /= 2)
      for (int l = 0; l < h; ++l)
        lanes[l] += lanes[l + h];
    sums.push_back(lanes[0]);
  }
  return sums;
}

TEST(StreamMix, SumsKeepTheContractToTheBit) {
  for (const HyperConnectionCase& shape : kHyperConnectionCases) {
    HyperConnectionInputs inputs(shape);
    const HyperConnectionPreParams params = inputs.pre(0, shape.tokens);
    std::vector<std::vector<float>> rows;
    for (int64_t r = 0; r < params.fn.rows; ++r) {
      rows.emplace_back(params.fn.cols);
      dequantize_row(params.fn, r, rows.back().data());
    }
    const int64_t last = shape.tokens - 1;
    const float* tokens[1] = {params.streams + last * shape.n * shape.dim};
    const std::vector<float> expected =
        contract_sums(rows, tokens[0], shape.n, shape.dim);
    const int64_t floats = mix_lane_floats(params.fn.rows);
    for_each_target([&](const char* target) {
      AlignedBuffer<float> lanes;
      AlignedBuffer<float> later;
      lanes.reserve(floats);
      std::vector<float> sums(expected.size());
      for (int64_t begin = 0; begin < shape.dim; begin += kMixPiece) {
        float* piece = begin == 0 ? lanes.data() : later.reserve(floats);
        mix_piece(
            params.fn,
            tokens,
            1,
            shape.n,
            shape.dim,
            begin,
            std::min(shape.dim, begin + kMixPiece),
            piece,
            floats);
        if (begin > 0)
          mix_add(piece, params.fn.rows, lanes.data());
      }
      mix_join(lanes.data(), 1, params.fn.rows, sums.data());
      expect_same_bits(
          sums, expected, std::string(shape.name) + " on " + target);
    });
  }
}

}  // namespace
}  // namespace hadal
