// Byte pair encoding of one piece: which neighbouring tokens merge, and in what
// order (spec/text.md 1.4, step 3).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hadal {

// Filled once by add_merge(), then only read: const calls are safe from any
// number of threads.
//
// The id of a merged token is also its rank: the pair that makes the lowest id
// merges first, and of equal pairs the leftmost. A merged token's id must be
// greater than the ids of its two parts, as in every trained vocabulary.
class BytePairEncoder {
 public:
  // byte_ids: the token of each single byte. There is room for `merges` merges;
  // more than that fails.
  BytePairEncoder(const std::array<int32_t, 256>& byte_ids, size_t merges);

  // The pair (left, right) becomes `merged`. Each pair is added once.
  void add_merge(int32_t left, int32_t right, int32_t merged);

  // Appends the tokens of a piece of any bytes, shorter than 4 GiB. Time grows
  // as n log n with the bytes of the piece; a piece of more than 256 bytes
  // takes about 30 bytes of memory a byte meanwhile.
  void encode(std::string_view piece, std::vector<int32_t>& ids) const;

 private:
  // Greater than every id, so that it loses each comparison of ranks.
  static constexpr int32_t kNone = INT32_MAX;

  struct Merge {
    int32_t left = -1;
    int32_t right = -1;
    int32_t merged = kNone;
  };

  // The slot of a pair, or the free one where it belongs.
  size_t slot_of(int32_t left, int32_t right) const;
  int32_t merged(int32_t left, int32_t right) const {
    return slots_[slot_of(left, right)].merged;
  }
  void encode_short(std::string_view piece, std::vector<int32_t>& ids) const;
  void encode_long(std::string_view piece, std::vector<int32_t>& ids) const;

  std::array<int32_t, 256> byte_ids_;
  std::vector<Merge> slots_;  // open addressing; a power of two, half full
  size_t merges_ = 0;
};

}  // namespace hadal
