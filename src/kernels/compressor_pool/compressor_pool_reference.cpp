// The meaning of the compressor's pooling in plain scalar float32.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/compressor_pool/compressor_pool.h"

namespace hadal {
namespace {

// One token's contribution to one row: its values and gates, from the half of
// the channels that counts for this window.
struct Slot {
  const float* z;  // [dim]
  const float* g;  // [dim]
};

Slot token_slot(
    const CompressorPoolParams& params,
    int64_t position,
    int64_t first_channel) {
  if (position >= params.chunk_start) {
    const int64_t offset =
        (position - params.chunk_start) * params.chunk_stride + first_channel;
    return {params.chunk_z + offset, params.chunk_g + offset};
  }
  const int64_t channels = params.dim * (params.ratio == 4 ? 2 : 1);
  const int64_t offset =
      position % params.history_capacity * channels + first_channel;
  return {params.history_z + offset, params.history_g + offset};
}

std::vector<Slot> window_slots(
    const CompressorPoolParams& params, int64_t window) {
  const int64_t start = window * params.ratio;
  const bool overlap = params.ratio == 4;
  std::vector<Slot> slots;
  if (overlap && window > 0)
    for (int64_t position = start - params.ratio; position < start; ++position)
      slots.push_back(token_slot(params, position, 0));
  for (int64_t position = start; position < start + params.ratio; ++position)
    slots.push_back(token_slot(params, position, overlap ? params.dim : 0));
  return slots;
}

float pool_channel(const std::vector<Slot>& slots, int64_t channel) {
  float maximum = slots[0].g[channel];
  for (const Slot& slot : slots)
    maximum = std::max(maximum, slot.g[channel]);
  float sum = 0;
  float weights = 0;
  for (const Slot& slot : slots) {
    const float weight = std::exp(slot.g[channel] - maximum);
    sum += weight * slot.z[channel];
    weights += weight;
  }
  return sum / weights;
}

}  // namespace

void compressor_pool_reference(
    const CompressorPoolParams& params, ThreadTeam& team) {
  team.parallel_for(
      params.windows, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t row = begin; row < end; ++row) {
          const std::vector<Slot> slots =
              window_slots(params, params.first_window + row);
          for (int64_t channel = 0; channel < params.dim; ++channel)
            params.out[row * params.dim + channel] =
                pool_channel(slots, channel);
        }
      });
}

}  // namespace hadal
