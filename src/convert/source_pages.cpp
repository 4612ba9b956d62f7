#include "convert/source_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace hadal {

SourcePages::SourcePages(const CheckpointFiles& files) {
  for (const SafetensorsFile& shard : files.shards())
    if (!shard.tensors().empty()) {
      const StoredTensor& last = shard.tensors().back();
      maps_.push_back({shard.tensors().front().data, last.data + last.bytes});
    }
}

void SourcePages::read(const SourceTensor& source, const RowJob& job) const {
#ifdef MADV_POPULATE_READ
  if (source.items.empty())
    return;
  const WeightView& view = source.items[static_cast<size_t>(job.item)];
  const std::byte* first = view.data + job.first * view.row_bytes;
  advise({first, first + job.count * view.row_bytes}, MADV_POPULATE_READ);
#else
  (void)source;
  (void)job;
#endif
}

void SourcePages::release(const SourceTensor& source, const RowJob& job) const {
  if (source.items.empty())
    return;
  const WeightView& view = source.items[static_cast<size_t>(job.item)];
  const std::byte* first = view.data + job.first * view.row_bytes;
  advise({first, first + job.count * view.row_bytes}, MADV_DONTNEED);
}

// Only whole pages, and only of a map: copies that the loader made are memory
// of another kind, whose contents MADV_DONTNEED would lose.
void SourcePages::advise(const Range& range, int advice) const {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (const Range& map : maps_) {
    if (range.begin < map.begin || range.end > map.end)
      continue;
    const auto begin =
        (reinterpret_cast<uintptr_t>(range.begin) + page - 1) / page * page;
    const auto end = reinterpret_cast<uintptr_t>(range.end) / page * page;
    if (begin < end)
      ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
    return;
  }
}

}  // namespace hadal
