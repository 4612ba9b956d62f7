#include "engine/kept_lengths.h"

#include <algorithm>

namespace hadal {
namespace {

// A length that the request names so close to the prompt's end is where its
// answer begins (before the thinking tag), not where other prompts part.
constexpr int64_t kEndOfPrompt = 4;
// Periodic lengths a doubling of the sequence's length.
constexpr int64_t kPerDoubling = 16;

}  // namespace

KeptLengths::KeptLengths(
    std::span<const int64_t> keep_at, int64_t prompt_tokens, int64_t keep_every)
    : keep_every_(keep_every) {
  for (const int64_t length : keep_at)
    add(length,
        prompt_tokens - length <= kEndOfPrompt ? PrefixKind::prompt_end
                                               : PrefixKind::branch);
  if (prompt_tokens > 1)
    add(prompt_tokens - 1, PrefixKind::prompt_end);
}

void KeptLengths::add(int64_t length, PrefixKind kind) {
  const auto at = std::lower_bound(
      lengths_.begin(),
      lengths_.end(),
      length,
      [](const KeptLength& kept, int64_t l) { return kept.length < l; });
  if (at == lengths_.end() || at->length != length)
    lengths_.insert(at, {length, kind});
}

KeptLength KeptLengths::next(int64_t length) const {
  int64_t distance = keep_every_;
  while (distance * kPerDoubling <= length)
    distance *= 2;
  const KeptLength periodic{(length / distance + 1) * distance};
  const auto named = std::upper_bound(
      lengths_.begin(),
      lengths_.end(),
      length,
      [](int64_t l, const KeptLength& kept) { return l < kept.length; });
  if (named != lengths_.end() && named->length <= periodic.length)
    return *named;
  return periodic;
}

int64_t KeptLengths::piece(
    int64_t length, int64_t tokens, int64_t reach) const {
  const int64_t kept = next(length).length;
  return length + tokens - kept > reach ? kept - length : tokens;
}

}  // namespace hadal
