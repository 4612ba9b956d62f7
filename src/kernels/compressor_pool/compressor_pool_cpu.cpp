// The compressor's pooling on the CPU: windows times blocks of channels, each a
// list of slot pointers for the loop in pool_slots.cpp.
#include <algorithm>
#include <cstdint>

#include "kernels/compressor_pool/compressor_pool.h"
#include "kernels/compressor_pool/pool_slots.h"

namespace hadal {
namespace {

constexpr int64_t kBlockChannels = 64;

struct Slots {
  const float* z[kMaxPoolSlots];
  const float* g[kMaxPoolSlots];
  int64_t count = 0;
};

void add_token(
    const CompressorPoolParams& params,
    int64_t position,
    int64_t channel,
    Slots& slots) {
  const bool in_chunk = position >= params.chunk_start;
  const int64_t channels = params.dim * (params.ratio == 4 ? 2 : 1);
  const int64_t offset =
      channel + (in_chunk
                     ? (position - params.chunk_start) * params.chunk_stride
                     : position % params.history_capacity * channels);
  slots.z[slots.count] =
      (in_chunk ? params.chunk_z : params.history_z) + offset;
  slots.g[slots.count] =
      (in_chunk ? params.chunk_g : params.history_g) + offset;
  ++slots.count;
}

// Channels [channel, channel + count) of one row.
void pool_block(
    const CompressorPoolParams& params,
    int64_t row,
    int64_t channel,
    int64_t count) {
  const int64_t start = (params.first_window + row) * params.ratio;
  const bool overlap = params.ratio == 4;
  Slots slots;
  if (overlap)
    for (int64_t p = std::max<int64_t>(0, start - 4); p < start; ++p)
      add_token(params, p, channel, slots);
  for (int64_t p = start; p < start + params.ratio; ++p)
    add_token(params, p, channel + (overlap ? params.dim : 0), slots);
  pool_slots(
      slots.z,
      slots.g,
      slots.count,
      count,
      params.out + row * params.dim + channel);
}

}  // namespace

void compressor_pool_cpu(const CompressorPoolParams& params, ThreadTeam& team) {
  const int64_t blocks = (params.dim + kBlockChannels - 1) / kBlockChannels;
  // A row of eight slots is little work: a thread gets a few.
  const int64_t grain = params.ratio == 4 ? 2 * blocks : 1;
  team.parallel_for(
      params.windows * blocks,
      grain,
      [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t item = begin; item < end; ++item) {
          const int64_t channel = item % blocks * kBlockChannels;
          pool_block(
              params,
              item / blocks,
              channel,
              std::min(kBlockChannels, params.dim - channel));
        }
      });
}

}  // namespace hadal
