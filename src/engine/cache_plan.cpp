#include "engine/cache_plan.h"

#include <utility>

#include "cache/page_pool.h"

namespace hadal {
namespace {

int64_t one_page_of_each(const CacheLayout& layout) {
  int64_t total = 0;
  const auto add = [&](const std::optional<CompressorLayout>& compressor) {
    if (compressor)
      total += PagePool::block_bytes(
          layout.rows_per_page * compressor->row.row_bytes());
  };
  for (const LayerLayout& layer : layout.layers) {
    add(layer.main);
    add(layer.indexer);
  }
  return total;
}

}  // namespace

CachePlan::CachePlan(
    std::shared_ptr<const CacheLayout> layout, int64_t budget_bytes)
    : layout_(std::move(layout)),
      budget_bytes_(budget_bytes),
      ring_bytes_(layout_->fixed_bytes()),
      copied_page_bytes_(one_page_of_each(*layout_)) {}

int64_t CachePlan::sequence_bytes(int64_t tokens) const {
  return layout_->bytes(tokens) + copied_page_bytes_;
}

int64_t CachePlan::growth_bytes(int64_t from, int64_t to) const {
  return layout_->bytes(to) - layout_->bytes(from) + copied_page_bytes_;
}

int64_t CachePlan::shared_bytes(int64_t tokens) const {
  return tokens == 0 ? 0 : layout_->bytes(tokens) - ring_bytes_;
}

int64_t CachePlan::fitting_tokens(int64_t most) const {
  int64_t low = 0;
  int64_t high = most;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (sequence_bytes(middle) <= budget_bytes_)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

int64_t default_cache_budget(int64_t available_bytes) {
  return available_bytes / 2;
}

}  // namespace hadal
