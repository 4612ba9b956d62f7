#include "bench/cache_filler.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "hadal/error.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kTemplates = 64;
constexpr int64_t kChunkTokens = 512;

// Stored rows of one layout, `count` of which no two neighbours among 64 are
// the same, in the caches' memory.
struct Templates {
  RowLayout layout;
  SourcedCopy<std::byte> rows;

  Templates(
      const RowLayout& row_layout,
      int64_t count,
      uint64_t seed,
      MemorySource& memory)
      : layout(row_layout) {
    const int64_t row_bytes = layout.row_bytes();
    const std::vector<float> values =
        random_values(kTemplates * layout.dim, seed);
    std::vector<std::byte> made(static_cast<size_t>(count * row_bytes));
    for (int64_t i = 0; i < count; ++i)
      encode_row(
          layout,
          values.data() + i % kTemplates * layout.dim,
          made.data() + i * row_bytes);
    rows = SourcedCopy<std::byte>(made, memory);
  }
};

class Filler {
 public:
  Filler(SequenceCache& cache, uint64_t seed)
      : cache_(cache),
        layout_(cache.layout()),
        memory_(cache.pool()->memory()),
        seed_(seed),
        window_(layout_.window_row, kChunkTokens, seed, memory_) {
    int64_t channels = 0;
    for (const LayerLayout& layer : layout_.layers)
      for (const auto& compressor : {layer.main, layer.indexer})
        if (compressor)
          channels = std::max(channels, compressor->channels);
    history_ = SourcedCopy<float>(
        random_values(kChunkTokens * channels, seed + 1), memory_);
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
      store(
          cache_.extend_window(layer, first, tokens),
          first,
          tokens,
          window_.rows.data());
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
    const int64_t begin = first / sizes.ratio;
    const int64_t end = (first + tokens) / sizes.ratio;
    if (begin < end)
      store_pages(layer, which, begin, end, templates(sizes.row));
    const HistorySlots slots =
        cache_.extend_history(layer, which, first, tokens);
    const auto* const values =
        reinterpret_cast<const std::byte*>(history_.data());
    store(slots.z, first, tokens, values);
    store(slots.g, first, tokens, values);
  }

  // Rows [begin, end), page by page: they are neighbours inside one.
  void store_pages(
      int64_t layer,
      Compressor which,
      int64_t begin,
      int64_t end,
      const Templates& rows) {
    const int64_t row_bytes = rows.layout.row_bytes();
    for (int64_t row = begin; row < end;) {
      const int64_t in_page = row % layout_.rows_per_page;
      const int64_t count =
          std::min(layout_.rows_per_page - in_page, end - row);
      const int64_t from = (row + layer) % kTemplates;
      memory_.copy(
          cache_.writable_row(layer, which, row),
          rows.rows.data() + from * row_bytes,
          static_cast<size_t>(count * row_bytes));
      row += count;
    }
  }

  // The last rows of `count`, as many as the ring holds, in at most two runs of
  // neighbouring slots. `rows` holds kChunkTokens rows.
  void store(
      const RingSlots& ring,
      int64_t first,
      int64_t count,
      const std::byte* rows) {
    const int64_t end = first + count;
    for (int64_t p = std::max(first, end - ring.capacity); p < end;) {
      const int64_t slot = p % ring.capacity;
      const int64_t run = std::min(ring.capacity - slot, end - p);
      memory_.copy(
          ring.slots + slot * ring.row_bytes,
          rows + (p - first) * ring.row_bytes,
          static_cast<size_t>(run * ring.row_bytes));
      p += run;
    }
  }

  Templates& templates(const RowLayout& layout) {
    for (const auto& known : rows_)
      if (known->layout == layout)
        return *known;
    // A page may begin with any template.
    return *rows_.emplace_back(std::make_unique<Templates>(
        layout,
        kTemplates + layout_.rows_per_page,
        seed_ + 2 + rows_.size(),
        memory_));
  }

  SequenceCache& cache_;
  const CacheLayout& layout_;
  MemorySource& memory_;
  uint64_t seed_;
  Templates window_;  // a chunk of rows, one after the other
  std::vector<std::unique_ptr<Templates>> rows_;
  SourcedCopy<float> history_;  // [kChunkTokens, most channels]
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
