// Attention on the matrix instructions, a token's key list in tiles. Few
// tokens: a block takes a span of one token's list for 16 heads and leaves a
// partial sum, which a second kernel adds up. Many tokens: a block goes over
// the whole list and adds up on its way. Both in the same order, so the bits
// are the same.
#include <algorithm>
#include <bit>
#include <vector>

#include "base/check.h"
#include "hadal/error.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/shared_limit.h"
#include "kernels/sparse_attention/attention_kernel.cuh"

namespace hadal {
namespace {

using cuda::AttentionCall;
using cuda::AttentionRoom;
using cuda::kAttentionThreads;
using cuda::kMostDim;
using cuda::kTileHeads;
using cuda::PartialSums;
using cuda::SoftmaxSum;
using cuda::TokenPlace;

// What the sequences of a call have in common, and the longest lists.
struct CallSize {
  int64_t tokens = 0;
  int64_t window = 0;
  int64_t compressed = 0;  // keys
  bool one_token_each = true;
};

CallSize size_of(std::span<const SparseAttentionParams> all) {
  CallSize size;
  for (const SparseAttentionParams& params : all) {
    size.tokens += params.tokens;
    size.window = std::max(size.window, params.window);
    size.one_token_each = size.one_token_each && params.tokens == 1;
    if (params.selected != nullptr)
      size.compressed = std::max(size.compressed, params.selected_stride);
    else if (params.ratio != 0)
      size.compressed = std::max(
          size.compressed,
          (params.first_position + params.tokens) / params.ratio);
  }
  return size;
}

// Spans of any token at most, the same for the steps of a decoding but for a
// few doublings.
int most_spans(const CallSize& size, int keys) {
  const int windows = cuda::ceil_divide(static_cast<int>(size.window), keys);
  const int tiles = cuda::ceil_divide(static_cast<int>(size.compressed), keys);
  const auto rounded = static_cast<int>(
      std::bit_ceil(static_cast<unsigned>(std::max(tiles, 1))));
  return windows + std::min(rounded, cuda::kMostSpans);
}

template <int kTiles, int kKeys, int kParts, bool kFold>
void launch_spans(
    const SparseAttentionParams& like,
    const AttentionCall& call,
    int64_t tokens,
    const AttentionRoom<kTiles, kKeys, kParts>& room,
    const PartialSums& partial) {
  const auto kernel = cuda::attention_kernel<kTiles, kKeys, kParts, kFold>;
  static const bool allowed = [&] {
    cuda::allow_shared_memory(
        reinterpret_cast<const void*>(kernel), cuda::shared_limit());
    return true;
  }();
  HADAL_CHECK(allowed);
  if (room.bytes() > cuda::shared_limit())
    throw Error(
        ErrorCode::unsupported,
        "rows of this format need more shared memory than the GPU has; keep "
        "them in FP8");
  cuda::launch(
      kernel,
      {.grid = dim3(
           static_cast<unsigned>(tokens),
           cuda::blocks(like.heads, kTiles * kTileHeads),
           kFold ? 1U : static_cast<unsigned>(partial.spans)),
       .block = kAttentionThreads,
       .shared_bytes = static_cast<unsigned>(room.bytes()),
       .start = cuda::Start::early},
      call,
      room,
      partial);
}

template <int kTiles, int kKeys, int kParts>
AttentionRoom<kTiles, kKeys, kParts> room_of(
    const SparseAttentionParams& like) {
  const int64_t raw = std::max(
      like.window_layout.row_bytes(), like.compressed.layout.row_bytes());
  return {
      .padded = static_cast<int>((like.dim + 63) / 64 * 64),
      .raw_stride = static_cast<int>((raw + 15) / 16 * 16)};
}

template <int kKeys, int kParts>
void attend(
    std::span<const SparseAttentionParams> all,
    const CallSize& size,
    const AttentionCall& call) {
  const SparseAttentionParams& like = all.front();
  // Blocks that go over whole lists must keep the card's multiprocessors busy.
  constexpr int64_t kFewBlocks = 96;
  const int64_t groups = (like.heads + kTileHeads - 1) / kTileHeads;
  if (size.tokens * groups >= kFewBlocks) {
    const auto wide = room_of<2, kKeys, kParts>(like);
    if (like.heads > kTileHeads && size.tokens * groups >= 2 * kFewBlocks &&
        wide.bytes() <= cuda::shared_limit())
      launch_spans<2, kKeys, kParts, true>(
          like, call, size.tokens, wide, PartialSums{});
    else
      launch_spans<1, kKeys, kParts, true>(
          like,
          call,
          size.tokens,
          room_of<1, kKeys, kParts>(like),
          PartialSums{});
    return;
  }
  static cuda::DeviceBuffer values;
  static cuda::DeviceBuffer sums;
  const int spans = most_spans(size, kKeys);
  const int64_t count = size.tokens * spans * like.heads;
  const PartialSums partial = {
      values.reserve_array<float>(count * like.dim),
      sums.reserve_array<SoftmaxSum>(count),
      spans};
  launch_spans<1, kKeys, kParts, false>(
      like, call, size.tokens, room_of<1, kKeys, kParts>(like), partial);
  cuda::launch(
      cuda::add_spans_kernel,
      {.grid = dim3(
           static_cast<unsigned>(size.tokens),
           static_cast<unsigned>(like.heads)),
       .block = kMostDim / 2,
       .start = cuda::Start::early},
      call,
      partial,
      kKeys);
}

}  // namespace

void sparse_attention_many_cuda(std::span<const SparseAttentionParams> all) {
  const CallSize size = size_of(all);
  if (size.tokens == 0)
    return;
  const SparseAttentionParams& like = all.front();
  for (const SparseAttentionParams& params : all)
    HADAL_CHECK(
        params.heads == like.heads && params.dim == like.dim &&
        params.window_layout == like.window_layout &&
        params.compressed.layout == like.compressed.layout);
  HADAL_CHECK(
      like.dim % 4 == 0 && like.dim <= kMostDim && like.output_rotary % 2 == 0);
  AttentionCall call = {
      cuda::table(all.data(), static_cast<int64_t>(all.size())), nullptr};
  if (!size.one_token_each) {
    std::vector<TokenPlace> places;
    for (size_t s = 0; s < all.size(); ++s)
      for (int64_t t = 0; t < all[s].tokens; ++t)
        places.push_back({static_cast<int32_t>(s), static_cast<int32_t>(t)});
    call.places =
        cuda::table(places.data(), static_cast<int64_t>(places.size()));
  }
  if (like.window_layout.format == RowFormat::f32 ||
      like.compressed.layout.format == RowFormat::f32)
    attend<32, 3>(all, size, call);
  else
    attend<64, 1>(all, size, call);
}

}  // namespace hadal
