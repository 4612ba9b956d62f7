// The inputs of the pooling cases, and a backend's pooling against the
// reference on them.
#include <algorithm>
#include <limits>

#include "kernels/case_tools.h"
#include "kernels/compressor_pool/compressor_pool.h"
#include "kernels/compressor_pool/compressor_pool_cases.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kSpareSlots = 3;

std::vector<float> pool(
    CompressorPoolInputs& inputs,
    void (*function)(const CompressorPoolParams&, ThreadTeam&),
    ThreadTeam& team) {
  std::vector<float> out(inputs.windows() * inputs.shape().dim);
  function(inputs.chunk(0, inputs.shape().tokens, out.data()), team);
  return out;
}

}  // namespace

CompressorPoolInputs::CompressorPoolInputs(const CompressorPoolCase& shape)
    : shape_(shape),
      channels_(shape.dim * (shape.ratio == 4 ? 2 : 1)),
      stride_(channels_ + 5),
      capacity_(shape.ratio == 4 ? 8 + kSpareSlots : 128 + kSpareSlots) {
  const int64_t positions = shape.chunk_start + shape.tokens;
  z_ = random_values(positions * stride_, 1);
  g_ = random_values(positions * stride_, 2, shape.gate_size);
}

int64_t CompressorPoolInputs::windows() const {
  return (shape_.chunk_start + shape_.tokens) / shape_.ratio -
         shape_.chunk_start / shape_.ratio;
}

CompressorPoolParams CompressorPoolInputs::chunk(
    int64_t first, int64_t count, float* out) {
  const int64_t start = shape_.chunk_start + first;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  history_z_.assign(capacity_ * channels_, nan);
  history_g_.assign(capacity_ * channels_, nan);
  for (int64_t p = std::max<int64_t>(0, start - capacity_); p < start; ++p) {
    const int64_t slot = p % capacity_ * channels_;
    std::copy_n(z_.begin() + p * stride_, channels_, history_z_.begin() + slot);
    std::copy_n(g_.begin() + p * stride_, channels_, history_g_.begin() + slot);
  }

  CompressorPoolParams params;
  params.ratio = shape_.ratio;
  params.dim = shape_.dim;
  params.chunk_z = z_.data() + start * stride_;
  params.chunk_g = g_.data() + start * stride_;
  params.chunk_stride = stride_;
  params.chunk_start = start;
  params.history_z = history_z_.data();
  params.history_g = history_g_.data();
  params.history_capacity = capacity_;
  params.first_window = start / shape_.ratio;
  params.windows = (start + count) / shape_.ratio - params.first_window;
  params.out = out;
  return params;
}

void check_compressor_pool(
    const Backend& backend, ThreadTeam& team, std::vector<KernelCheck>& out) {
  for (const CompressorPoolCase& shape : kCompressorPoolCases) {
    CompressorPoolInputs inputs(shape);
    out.push_back(check_case(
        "compressor_pool",
        shape.name,
        kCompressorPoolFloor,
        kCompressorPoolTolerance,
        [&] { return pool(inputs, compressor_pool_reference, team); },
        [&] { return pool(inputs, backend.compressor_pool, team); }));
  }
}

}  // namespace hadal
