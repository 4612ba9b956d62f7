// Bytes of saved states, although they share pages with each other and with
// running sequences.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "cache/page_pool.h"
#include "cache/snapshot.h"

namespace hadal {

// Counts how often the saved states hold each page. Not safe across threads.
class PageLedger {
 public:
  void add(const Snapshot& snapshot);
  void remove(const Snapshot& snapshot);  // that was added

  // Pages and rings that any of the states holds, each counted once.
  int64_t held_bytes() const { return held_bytes_; }
  // Of them, what nobody else holds: it comes free when all states go. Looks at
  // every page.
  int64_t exclusive_bytes() const;

 private:
  struct Page {
    PageRef share;  // the ledger's own
    int64_t states = 0;
  };
  std::unordered_map<const std::byte*, Page> pages_;
  int64_t ring_bytes_ = 0;
  int64_t held_bytes_ = 0;
};

}  // namespace hadal
