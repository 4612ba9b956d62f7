#include "engine/page_ledger.h"

#include "base/check.h"

namespace hadal {
namespace {

template <class Visit>
void for_each_page(const Snapshot& snapshot, const Visit& visit) {
  const auto visit_rows = [&](const std::optional<CompressorState>& state) {
    if (!state)
      return;
    for (int64_t i = 0; i < state->rows.page_count(); ++i)
      visit(state->rows.page(i));
  };
  for (const LayerState& layer : snapshot.state().layers) {
    visit_rows(layer.main);
    visit_rows(layer.indexer);
  }
}

int64_t cost(const PageRef& page) {
  return PagePool::block_bytes(page.bytes());
}

}  // namespace

void PageLedger::add(const Snapshot& snapshot) {
  for_each_page(snapshot, [&](const PageRef& ref) {
    Page& page = pages_[ref.data()];
    if (++page.states > 1)
      return;
    page.share = ref;
    held_bytes_ += cost(ref);
  });
  ring_bytes_ += snapshot.own_bytes();
  held_bytes_ += snapshot.own_bytes();
}

void PageLedger::remove(const Snapshot& snapshot) {
  for_each_page(snapshot, [&](const PageRef& ref) {
    const auto at = pages_.find(ref.data());
    HADAL_CHECK(at != pages_.end());
    if (--at->second.states > 0)
      return;
    held_bytes_ -= cost(ref);
    pages_.erase(at);
  });
  ring_bytes_ -= snapshot.own_bytes();
  held_bytes_ -= snapshot.own_bytes();
}

int64_t PageLedger::exclusive_bytes() const {
  int64_t total = ring_bytes_;
  for (const auto& [data, page] : pages_)
    if (page.share.shares() == page.states + 1)
      total += cost(page.share);
  return total;
}

}  // namespace hadal
