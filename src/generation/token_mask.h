// Which tokens a grammar allows next.
#pragma once

#include <cstdint>
#include <span>

namespace hadal {

// One bit a token id, the lowest bit of word 0 first; a set bit allows the
// token. No words at all allow every token; ids beyond the last word are not
// allowed. Does not own the words.
struct TokenMask {
  std::span<const uint64_t> words;

  bool everything() const { return words.empty(); }
  bool allows(int32_t id) const {
    const size_t word = static_cast<size_t>(id) / 64;
    return words.empty() ||
           (word < words.size() && ((words[word] >> (id % 64)) & 1) != 0);
  }
};

}  // namespace hadal
