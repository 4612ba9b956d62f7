// Sorted spellings -> nodes in depth-first order.
#include "generation/grammar/token_trie.h"

#include <algorithm>

#include "generation/grammar/char_set.h"
#include "text/prompt_format.h"

namespace hadal {
namespace {

constexpr size_t kMaxBytes = 255;
constexpr char kMarkerSpelling[] = {static_cast<char>(kMarkerByte), 0};

}  // namespace

TokenTrie::TokenTrie(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  marker_ = tokenizer_.find(kDsmlMarker).value_or(-1);
  if (marker_ >= 0 && !tokenizer_.is_added(marker_))
    marker_ = -1;
  spelled_.resize(static_cast<size_t>(tokenizer_.size()));
  std::vector<int32_t> order;
  for (int32_t id = 0; id < tokenizer_.size(); ++id) {
    std::string_view bytes = tokenizer_.bytes(id);
    if (id == marker_)
      bytes = {kMarkerSpelling, 1};
    // The marker's byte occurs in no text.
    else if (
        tokenizer_.is_added(id) || bytes.size() > kMaxBytes ||
        bytes.find(kMarkerSpelling[0]) != std::string_view::npos)
      bytes = {};
    spelled_[static_cast<size_t>(id)] = bytes;
    if (!bytes.empty())
      order.push_back(id);
  }
  // string_view compares bytes without sign.
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return spelling(a) < spelling(b);
  });

  nodes_.emplace_back();
  std::vector<uint32_t> path = {0};  // nodes of the last spelling, by depth
  std::string_view last;
  const auto close_to = [&](size_t depth) {
    for (; path.size() > depth + 1; path.pop_back())
      nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
  };
  for (int32_t id : order) {
    std::string_view bytes = spelling(id);
    size_t shared = 0;
    while (shared < std::min(last.size(), bytes.size()) &&
           last[shared] == bytes[shared])
      ++shared;
    close_to(shared);
    for (size_t i = shared; i < bytes.size(); ++i) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back(
          {0, -1, static_cast<uint8_t>(bytes[i]), static_cast<uint8_t>(i + 1)});
    }
    // Of two tokens with the same bytes the first stands for both.
    if (nodes_[path.back()].token < 0)
      nodes_[path.back()].token = id;
    else
      spelled_[static_cast<size_t>(id)] = {};
    last = bytes;
  }
  close_to(0);
  nodes_[0].end = static_cast<uint32_t>(nodes_.size());
  nodes_.shrink_to_fit();
}

size_t TokenTrie::memory_bytes() const {
  return nodes_.size() * sizeof(Node) +
         spelled_.size() * sizeof(std::string_view);
}

}  // namespace hadal
