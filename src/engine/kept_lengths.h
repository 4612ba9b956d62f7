// At which lengths a sequence's state is saved for others, or for itself.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/prefix_cache.h"

namespace hadal {

struct KeptLength {
  int64_t length = 0;
  PrefixKind kind = PrefixKind::periodic;
};

// The lengths that the request names, the prompt's last but one token, and
// every so many tokens: `keep_every`, and in long sequences a sixteenth to an
// eighth of the length.
class KeptLengths {
 public:
  KeptLengths(
      std::span<const int64_t> keep_at,
      int64_t prompt_tokens,
      int64_t keep_every);

  void add(int64_t length, PrefixKind kind);

  // The first one beyond `length`.
  KeptLength next(int64_t length) const;

  // How many of the next `tokens` may be fed at once, such that no kept length
  // lies further than `reach` before the end of the piece: a sequence can
  // still be saved at lengths within its reach.
  int64_t piece(int64_t length, int64_t tokens, int64_t reach) const;

 private:
  std::vector<KeptLength> lengths_;  // increasing
  int64_t keep_every_;
};

}  // namespace hadal
