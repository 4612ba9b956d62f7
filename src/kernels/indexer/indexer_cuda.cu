// Keys of all visible rows, then the best of them. All tokens of a call share
// the launches, a bounded number of tokens at a time.
#include <algorithm>
#include <bit>
#include <vector>

#include "base/check.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/shared_limit.h"
#include "kernels/indexer/index_scores.cuh"
#include "kernels/indexer/index_select.cuh"
#include "kernels/indexer/plain_scores.cuh"

namespace hadal {
namespace {

using cuda::IndexCall;
using cuda::IndexPlace;
using cuda::kBestThreads;
using cuda::KeyLists;
using cuda::kScoreThreads;
using cuda::ScoreShape;

constexpr int64_t kKeyBytes = int64_t{64} << 20;
constexpr int64_t kMostTokens = 32'768;  // of a launch
constexpr int64_t kBlocksAtOnce = 132;
constexpr int64_t kMostTopK = 4096;  // a stretch shrinks to a quarter

// What a call's launches are made for. The rows of the longest sequence are
// rounded up to a power of two: decoding then keeps its launches.
struct CallSize {
  int64_t tokens = 0;
  int64_t rows = 0;
  int64_t rounded = 64;
  bool one_token_each = true;
};

CallSize size_of(std::span<const IndexerParams> all) {
  CallSize size;
  for (const IndexerParams& params : all) {
    size.tokens += params.tokens;
    size.one_token_each = size.one_token_each && params.tokens == 1;
    size.rows = std::max(
        size.rows, (params.first_position + params.tokens) / params.ratio);
  }
  size.rounded = static_cast<int64_t>(
      std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(size.rows, 64))));
  return size;
}

// Blocks a token for `work` pieces a block each.
unsigned score_blocks(int64_t pieces, int64_t tokens) {
  const int64_t share = (kBlocksAtOnce + tokens - 1) / tokens;
  return static_cast<unsigned>(std::clamp<int64_t>(pieces, 1, share));
}

template <int kTiles, int kSteps>
void launch_scores(
    const IndexerParams& like,
    const IndexCall& call,
    const CallSize& size,
    int64_t tokens,
    uint32_t* keys) {
  using Shape = ScoreShape<kTiles, kSteps>;
  static const bool allowed = [] {
    cuda::allow_shared_memory(
        reinterpret_cast<const void*>(cuda::score_kernel<kTiles, kSteps>),
        Shape::kBytes);
    return true;
  }();
  HADAL_CHECK(allowed);
  cuda::launch(
      cuda::score_kernel<kTiles, kSteps>,
      {.grid = dim3(
           score_blocks(size.rounded / cuda::kGroupRows, tokens),
           static_cast<unsigned>(tokens)),
       .block = kScoreThreads,
       .shared_bytes = Shape::kBytes,
       .start = cuda::Start::early},
      call,
      std::countr_zero(static_cast<uint64_t>(like.rows.rows_per_page)),
      keys,
      size.rounded);
}

void launch_plain_scores(
    const IndexerParams& like,
    const IndexCall& call,
    const CallSize& size,
    int64_t tokens,
    uint32_t* keys) {
  static const bool allowed = [] {
    cuda::allow_shared_memory(
        reinterpret_cast<const void*>(cuda::plain_score_kernel),
        cuda::shared_limit());
    return true;
  }();
  const int64_t shared = like.heads * like.dim * 4;
  HADAL_CHECK(allowed && shared <= cuda::shared_limit());
  cuda::launch(
      cuda::plain_score_kernel,
      {.grid = dim3(
           score_blocks(
               (size.rounded + kScoreThreads - 1) / kScoreThreads, tokens),
           static_cast<unsigned>(tokens)),
       .block = kScoreThreads,
       .shared_bytes = static_cast<unsigned>(shared),
       .start = cuda::Start::early},
      call,
      keys,
      size.rounded);
}

void launch_scores(
    const IndexerParams& like,
    const IndexCall& call,
    const CallSize& size,
    int64_t tokens,
    uint32_t* keys) {
  if (like.rows.layout.format != RowFormat::fp4 || like.heads > 64 ||
      (like.dim != 32 && like.dim != 64 && like.dim != 128))
    return launch_plain_scores(like, call, size, tokens, keys);
  if (like.heads <= 16) {
    const auto launch = like.dim == 32   ? launch_scores<1, 2>
                        : like.dim == 64 ? launch_scores<1, 4>
                                         : launch_scores<1, 8>;
    return launch(like, call, size, tokens, keys);
  }
  const auto launch = like.dim == 32   ? launch_scores<4, 2>
                      : like.dim == 64 ? launch_scores<4, 4>
                                       : launch_scores<4, 8>;
  launch(like, call, size, tokens, keys);
}

// Reduces the lists until one stretch holds all.
template <int kItems>
void launch_selection(
    const IndexCall& call,
    const CallSize& size,
    int64_t top_k,
    int64_t tokens,
    KeyLists from) {
  constexpr int64_t kStretch = kBestThreads * kItems;
  static cuda::DeviceBuffer memory[2][2];
  int64_t count = size.rounded;
  for (int level = 0;; ++level) {
    const int64_t stretches = (count + kStretch - 1) / kStretch;
    KeyLists to{};
    if (stretches > 1) {
      to.stride = (stretches * top_k + 3) / 4 * 4;
      auto& buffers = memory[level % 2];
      to.keys = buffers[0].reserve_array<uint32_t>(tokens * to.stride);
      to.rows = buffers[1].reserve_array<int32_t>(tokens * to.stride);
    }
    cuda::launch(
        cuda::select_kernel<kItems>,
        {.grid = dim3(
             static_cast<unsigned>(stretches), static_cast<unsigned>(tokens)),
         .block = kBestThreads,
         .start = cuda::Start::early},
        call,
        from,
        to,
        level);
    if (stretches == 1)
      return;
    from = to;
    count = stretches * top_k;
  }
}

}  // namespace

void indexer_many_cuda(std::span<const IndexerParams> all) {
  const CallSize size = size_of(all);
  if (size.tokens == 0)
    return;
  const IndexerParams& like = all.front();
  for (const IndexerParams& params : all)
    HADAL_CHECK(
        params.heads == like.heads && params.dim == like.dim &&
        params.top_k == like.top_k && params.rows.layout == like.rows.layout &&
        params.rows.rows_per_page == like.rows.rows_per_page);
  HADAL_CHECK(like.top_k <= kMostTopK);
  IndexCall call = {
      cuda::table(all.data(), static_cast<int64_t>(all.size())), nullptr, 0};
  if (!size.one_token_each) {
    std::vector<IndexPlace> places;
    for (size_t s = 0; s < all.size(); ++s)
      for (int64_t t = 0; t < all[s].tokens; ++t)
        places.push_back({static_cast<int32_t>(s), static_cast<int32_t>(t)});
    call.places =
        cuda::table(places.data(), static_cast<int64_t>(places.size()));
  }
  const int64_t tile = std::clamp<int64_t>(
      kKeyBytes / (size.rounded * static_cast<int64_t>(sizeof(uint32_t))),
      1,
      kMostTokens);
  static cuda::DeviceBuffer memory;
  const KeyLists scores = {
      memory.reserve_array<uint32_t>(
          std::min(tile, size.tokens) * size.rounded),
      nullptr,
      size.rounded};
  for (int64_t first = 0; first < size.tokens; first += tile) {
    const int64_t tokens = std::min(tile, size.tokens - first);
    call.first_token = static_cast<int32_t>(first);
    if (size.rows > like.top_k)
      launch_scores(like, call, size, tokens, scores.keys);
    if (size.rounded <= 4 * kBestThreads)
      launch_selection<4>(call, size, like.top_k, tokens, scores);
    else
      launch_selection<16>(call, size, like.top_k, tokens, scores);
  }
}

}  // namespace hadal
