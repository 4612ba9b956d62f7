#include "kernels/store_rows/store_rows.h"

#include <algorithm>
#include <cstring>

namespace hadal {
namespace {

void store_row(const StoreRowsParams& params, int64_t i) {
  const int64_t position = params.first + i;
  std::byte* const slot = params.ring.slots + position % params.ring.capacity *
                                                  params.ring.row_bytes;
  const std::byte* const row = params.rows + i * params.stride;
  std::memcpy(slot, row, static_cast<size_t>(params.ring.row_bytes));
  if (params.bias == nullptr)
    return;
  const int64_t width = params.ring.row_bytes / 4;
  const float* const bias = params.bias + position % params.bias_rows * width;
  auto* const values = reinterpret_cast<float*>(slot);
  for (int64_t c = 0; c < width; ++c)
    values[c] += bias[c];
}

}  // namespace

void store_rows_cpu(
    std::span<const StoreRowsParams> all, ThreadTeam& /*team*/) {
  for (const StoreRowsParams& params : all) {
    const int64_t kept = std::min(params.count, params.ring.capacity);
    for (int64_t i = params.count - kept; i < params.count; ++i)
      store_row(params, i);
  }
}

}  // namespace hadal
