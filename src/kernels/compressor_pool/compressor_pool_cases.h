// Cases of the compressor's pooling: both ratios, chunks that begin anywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/compressor_pool/compressor_pool_params.h"

namespace hadal {

struct CompressorPoolCase {
  const char* name;
  int64_t ratio;
  int64_t dim;
  int64_t chunk_start;     // position of the chunk's first token
  int64_t tokens;          // of the chunk
  float gate_size = 2.0f;  // deviation of the gates
};

// The two sides differ in the exponential (1 ulp) and in one fused product a
// slot; outputs are means of values of size 1. Measured: up to 2e-7.
inline constexpr double kCompressorPoolTolerance = 1e-6;
inline constexpr double kCompressorPoolFloor = 1.0;

inline constexpr CompressorPoolCase kCompressorPoolCases[] = {
    {"csa, from nothing", 4, 128, 0, 23},
    {"csa, one row completes", 4, 512, 4003, 1},
    {"csa, chunk inside windows", 4, 512, 1022, 71},
    {"csa, window zero split", 4, 128, 2, 9},
    {"indexer rows", 4, 64, 509, 12},
    {"hca, from nothing", 128, 128, 0, 300},
    {"hca, one row completes", 128, 512, 895, 1},
    {"hca, chunk inside windows", 128, 512, 100, 200},
    {"odd size", 4, 37, 6, 13},
    {"steep gates", 128, 64, 130, 130, 40.0f},
};

// Token values of absolute positions, so that any part of the chunk can be run
// on its own, with the older tokens in the history ring.
class CompressorPoolInputs {
 public:
  explicit CompressorPoolInputs(const CompressorPoolCase& shape);

  // The windows that the tokens [first, first + count) of the chunk complete;
  // `out` receives [windows, dim]. Valid until the next call; unused slots of
  // the ring hold NaN.
  CompressorPoolParams chunk(int64_t first, int64_t count, float* out);

  // Windows that the whole chunk completes.
  int64_t windows() const;

  const CompressorPoolCase& shape() const { return shape_; }

 private:
  CompressorPoolCase shape_;
  int64_t channels_ = 0;
  int64_t stride_ = 0;
  int64_t capacity_ = 0;
  std::vector<float> z_;  // [chunk_start + tokens, stride]
  std::vector<float> g_;
  std::vector<float> history_z_;  // [capacity, channels]
  std::vector<float> history_g_;
};

}  // namespace hadal
