#include "bench/cache_filler.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "hadal/error.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kTemplates = 64;
constexpr int64_t kChunkTokens = 512;

// Stored rows of one layout.
struct Templates {
  RowLayout layout;
  std::vector<std::byte> rows;

  Templates(const RowLayout& row_layout, int64_t count, uint64_t seed)
      : layout(row_layout),
        rows(static_cast<size_t>(count * row_layout.row_bytes())) {
    const std::vector<float> values =
        random_values(kTemplates * layout.dim, seed);
    for (int64_t i = 0; i < count; ++i)
      encode_row(
          layout,
          values.data() + i % kTemplates * layout.dim,
          rows.data() + i * layout.row_bytes());
  }
  const std::byte* row(int64_t i) const {
    return rows.data() + i % kTemplates * layout.row_bytes();
  }
};

class Filler {
 public:
  Filler(SequenceCache& cache, uint64_t seed)
      : cache_(cache),
        layout_(cache.layout()),
        seed_(seed),
        window_(layout_.window_row, kChunkTokens, seed) {
    int64_t channels = 0;
    for (const LayerLayout& layer : layout_.layers)
      for (const auto& compressor : {layer.main, layer.indexer})
        if (compressor)
          channels = std::max(channels, compressor->channels);
    channels_ = channels;
    history_ = random_values(kChunkTokens * channels, seed + 1);
  }

  void append(int64_t tokens) {
    const int64_t first = cache_.length();
    PassGuard guard(cache_, tokens);
    for (size_t i = 0; i < layout_.layers.size(); ++i) {
      const auto layer = static_cast<int64_t>(i);
      const LayerLayout& sizes = layout_.layers[i];
      if (sizes.main)
        compressor(layer, Compressor::main, *sizes.main, first, tokens);
      if (sizes.indexer)
        compressor(layer, Compressor::indexer, *sizes.indexer, first, tokens);
      cache_.commit_window(layer, first, tokens, window_.rows.data());
    }
    guard.finish();
  }

 private:
  void compressor(
      int64_t layer,
      Compressor which,
      const CompressorLayout& sizes,
      int64_t first,
      int64_t tokens) {
    Templates& rows = templates(sizes.row);
    const auto bytes = static_cast<size_t>(sizes.row.row_bytes());
    for (int64_t row = first / sizes.ratio;
         row < (first + tokens) / sizes.ratio;
         ++row)
      std::memcpy(
          cache_.writable_row(layer, which, row), rows.row(row + layer), bytes);
    cache_.commit_history(
        layer,
        which,
        first,
        tokens,
        history_.data(),
        history_.data(),
        channels_);
  }

  Templates& templates(const RowLayout& layout) {
    for (Templates& known : rows_)
      if (known.layout == layout)
        return known;
    return rows_.emplace_back(layout, kTemplates, seed_ + 2 + rows_.size());
  }

  SequenceCache& cache_;
  const CacheLayout& layout_;
  uint64_t seed_;
  Templates window_;  // a chunk of rows, one after the other
  std::vector<Templates> rows_;
  int64_t channels_ = 0;
  std::vector<float> history_;  // [kChunkTokens, channels_]
};

}  // namespace

void fill_cache(
    SequenceCache& cache, int64_t tokens, uint64_t seed, std::stop_token stop) {
  Filler filler(cache, seed);
  for (int64_t done = 0; done < tokens;) {
    if (stop.stop_requested())
      throw Error(ErrorCode::cancelled, "stopped");
    const int64_t count = std::min(kChunkTokens, tokens - done);
    filler.append(count);
    done += count;
  }
}

}  // namespace hadal
