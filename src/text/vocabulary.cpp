// Storage and hash table of the vocabulary.
#include "text/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"

namespace hadal {
namespace {

template <class Word>
uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

// Multiplies to 128 bits and folds: every input bit reaches every output bit.
uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Short text, mostly under 16 bytes. An attacker gains nothing from collisions:
// only the tokenizer file puts keys into the table.
uint64_t hash_of(std::string_view text) {
  constexpr uint64_t kFirst = 0x9E3779B97F4A7C15u;
  constexpr uint64_t kSecond = 0xD1B54A32D192ED03u;
  const char* at = text.data();
  size_t left = text.size();
  uint64_t hash = left * kFirst;
  for (; left > 16; at += 16, left -= 16)
    hash = mix(load<uint64_t>(at) ^ kSecond, load<uint64_t>(at + 8) ^ hash);
  // The last 1 to 16 bytes as two words that may overlap.
  uint64_t a = 0;
  uint64_t b = 0;
  if (left >= 8) {
    a = load<uint64_t>(at);
    b = load<uint64_t>(at + left - 8);
  } else if (left >= 4) {
    a = load<uint32_t>(at);
    b = load<uint32_t>(at + left - 4);
  } else if (left > 0) {
    a = load<uint8_t>(at) << 8 | load<uint8_t>(at + left / 2);
    b = load<uint8_t>(at + left - 1);
  }
  return mix(a ^ kSecond, b ^ hash);
}

}  // namespace

Vocabulary::Vocabulary(size_t tokens) : slots_(std::bit_ceil(2 * tokens + 1)) {
  offsets_.reserve(tokens + 1);
}

int32_t Vocabulary::append(std::string_view bytes, Kind kind) {
  constexpr size_t kMaxBytes = std::numeric_limits<uint32_t>::max();
  HADAL_CHECK(bytes.size() <= kMaxBytes - storage_.size());
  HADAL_CHECK(2 * offsets_.size() <= slots_.size());
  int32_t id = size();
  if (kind == Kind::mergeable) {
    uint64_t hash = hash_of(bytes);
    Slot& slot = slots_[slot_of(bytes, hash)];
    if (slot.id >= 0)
      return slot.id;
    slot = {static_cast<uint32_t>(hash >> 32), id};
    longest_ = std::max(longest_, bytes.size());
  }
  storage_ += bytes;
  offsets_.push_back(static_cast<uint32_t>(storage_.size()));
  return id;
}

int32_t Vocabulary::find(std::string_view bytes) const {
  if (bytes.size() > longest_)
    return -1;
  return slots_[slot_of(bytes, hash_of(bytes))].id;
}

size_t Vocabulary::slot_of(std::string_view text, uint64_t hash) const {
  size_t mask = slots_.size() - 1;
  auto tag = static_cast<uint32_t>(hash >> 32);
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.id < 0 || (slot.tag == tag && bytes(slot.id) == text))
      return at;
  }
}

}  // namespace hadal
