// The bytes of every token, and the way back from bytes to a base token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

// Filled once by append(), then only read: const calls are safe from any number
// of threads.
class Vocabulary {
 public:
  enum class Kind {
    mergeable,  // found by find()
    atomic,     // only has an id: sentence markers and added tokens
  };

  // Room for `tokens` tokens; the table may take a few more, then append fails.
  explicit Vocabulary(size_t tokens);

  // Adds the token with the next id. Returns that id, or, for a mergeable token
  // whose bytes are already there, the id of the earlier one.
  int32_t append(std::string_view bytes, Kind kind);

  int32_t size() const { return static_cast<int32_t>(offsets_.size()) - 1; }

  // The bytes of token `id`, 0 <= id < size(). They live as long as this does.
  std::string_view bytes(int32_t id) const {
    size_t begin = offsets_[id];
    return {storage_.data() + begin, offsets_[id + 1] - begin};
  }

  // The mergeable token with exactly these bytes, or -1.
  int32_t find(std::string_view bytes) const;

 private:
  // An open-addressing table: at most half full, probed linearly.
  struct Slot {
    uint32_t tag = 0;  // upper half of the hash
    int32_t id = -1;
  };
  // The slot that holds these bytes, or the free one where they belong.
  size_t slot_of(std::string_view bytes, uint64_t hash) const;

  std::string storage_;
  std::vector<uint32_t> offsets_ = {0};  // [size() + 1]
  std::vector<Slot> slots_;              // a power of two
  size_t longest_ = 0;                   // bytes of the longest mergeable token
};

}  // namespace hadal
