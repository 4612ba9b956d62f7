#include "kernels/compress/compress.h"

#include <vector>

#include "kernels/backend.h"

namespace hadal {
namespace {

int64_t channels_of(const CompressorPoolParams& pool) {
  return pool.dim * (pool.ratio == 4 ? 2 : 1);
}

// The chunk's gates with the bias of the tokens' places in their windows.
std::vector<float> biased_gates(
    const CompressParams& params, ThreadTeam& team) {
  const CompressorPoolParams& pool = params.pool;
  const int64_t channels = channels_of(pool);
  std::vector<float> gates(static_cast<size_t>(params.tokens * channels));
  constexpr int64_t kGrain = 16;
  team.parallel_for(
      params.tokens, kGrain, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t t = begin; t < end; ++t) {
          const float* const from = pool.chunk_g + t * pool.chunk_stride;
          const float* const bias =
              params.bias + (pool.chunk_start + t) % pool.ratio * channels;
          float* const to = gates.data() + t * channels;
          for (int64_t c = 0; c < channels; ++c)
            to[c] = from[c] + bias[c];
        }
      });
  return gates;
}

// The chunk's values, side by side like the gates.
std::vector<float> packed_values(const CompressParams& params) {
  const CompressorPoolParams& pool = params.pool;
  const int64_t channels = channels_of(pool);
  std::vector<float> values;
  for (int64_t t = 0; t < params.tokens; ++t) {
    const float* const row = pool.chunk_z + t * pool.chunk_stride;
    values.insert(values.end(), row, row + channels);
  }
  return values;
}

void store_rows(const CompressParams& params, ThreadTeam& team) {
  const RowLayout& layout = params.rows.layout;
  const int64_t row_bytes = layout.row_bytes();
  constexpr int64_t kGrain = 8;
  team.parallel_for(
      params.pool.windows,
      kGrain,
      [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t w = begin; w < end; ++w) {
          const int64_t row = params.pool.first_window + w;
          // The pages are the caller's to write, if not PagedRows' users'.
          auto* const page = const_cast<std::byte*>(
              params.rows.pages[row / params.rows.rows_per_page]);
          encode_row(
              layout,
              params.pool.out + w * layout.dim,
              page + row % params.rows.rows_per_page * row_bytes);
        }
      });
}

void compress_one(
    const Backend& steps, const CompressParams& params, ThreadTeam& team) {
  CompressorPoolParams pool = params.pool;
  if (pool.windows == 0)
    return;
  const std::vector<float> gates = biased_gates(params, team);
  std::vector<float> values;
  if (pool.chunk_stride != channels_of(pool)) {
    values = packed_values(params);
    pool.chunk_z = values.data();
  }
  pool.chunk_g = gates.data();
  pool.chunk_stride = channels_of(pool);
  steps.compressor_pool(pool, team);
  std::vector<int64_t> positions;
  for (int64_t w = 0; w < pool.windows; ++w)
    positions.push_back((pool.first_window + w) * pool.ratio);
  const FinishRowsParams finish{
      .x = pool.out,
      .rows = pool.windows,
      .positions = positions.data(),
      .finish = params.finish};
  steps.finish_rows({&finish, 1}, team);
  store_rows(params, team);
}

}  // namespace

void compress_by_steps(
    const Backend& steps,
    std::span<const CompressParams> all,
    ThreadTeam& team) {
  for (const CompressParams& params : all)
    compress_one(steps, params, team);
}

void compress_reference(std::span<const CompressParams> all, ThreadTeam& team) {
  compress_by_steps(reference_backend(), all, team);
}

void compress_cpu(std::span<const CompressParams> all, ThreadTeam& team) {
  compress_by_steps(cpu_backend(), all, team);
}

}  // namespace hadal
