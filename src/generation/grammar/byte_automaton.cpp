// Columns of equal bytes.
#include "generation/grammar/byte_automaton.h"

#include <map>

#include "base/check.h"

namespace hadal {

ByteAutomaton::ByteAutomaton(const std::vector<Row>& rows) {
  HADAL_CHECK(rows.size() > 1 && rows.size() <= kMaxByteStates + 2);
  // Refine the partition of the bytes row by row; neighbours are mostly alike.
  size_t classes = 1;
  for (const Row& row : rows) {
    using Key = std::array<uint32_t, 3>;
    std::map<Key, uint8_t> split;
    std::array<uint8_t, 256> refined{};
    Key before{};
    for (size_t b = 0; b < 256; ++b) {
      Key key = {class_of_[b], row.next[b], row.count[b]};
      if (b > 0 && key == before) {
        refined[b] = refined[b - 1];
        continue;
      }
      before = key;
      refined[b] =
          split.emplace(key, static_cast<uint8_t>(split.size())).first->second;
    }
    classes = split.size();
    class_of_ = refined;
  }
  classes_ = classes;
  next_.resize(rows.size() * classes_);
  count_.resize(rows.size() * classes_);
  for (size_t s = 0; s < rows.size(); ++s) {
    uint8_t flags = rows[s].accepts ? kAccepts : 0;
    for (size_t b = 0; b < 256; ++b) {
      next_[s * classes_ + class_of_[b]] = rows[s].next[b];
      count_[s * classes_ + class_of_[b]] = rows[s].count[b];
      if (rows[s].next[b] != kDead)
        flags |= kContinues;
    }
    flags_.push_back(flags);
  }
  HADAL_CHECK(!accepts(kStart) && continues(kStart));
}

std::string ByteAutomaton::fingerprint() const {
  std::string key(class_of_.begin(), class_of_.end());
  for (StateId s : next_) {
    key += static_cast<char>(s & 0xFF);
    key += static_cast<char>(s >> 8);
  }
  key.append(count_.begin(), count_.end());
  key.append(flags_.begin(), flags_.end());
  return key;
}

size_t ByteAutomaton::memory_bytes() const {
  return sizeof(*this) + next_.size() * 3 + flags_.size();
}

}  // namespace hadal
