// Matching of added tokens. A token has at most a few dozen bytes and few bytes
// start one, so walking a tree from each candidate is fast enough.
#include "text/added_tokens.h"

#include <algorithm>

namespace hadal {

AddedTokens::PrefixTree::PrefixTree() : nodes_(1), starts_(256) {}

uint32_t AddedTokens::PrefixTree::child_of(uint32_t node, uint8_t byte) const {
  uint32_t child = nodes_[node].child;
  while (child != 0 && nodes_[child].byte != byte)
    child = nodes_[child].sibling;
  return child;
}

void AddedTokens::PrefixTree::add(std::string_view content, int32_t id) {
  starts_[static_cast<uint8_t>(content[0])] = true;
  uint32_t node = 0;
  for (char c : content) {
    auto byte = static_cast<uint8_t>(c);
    uint32_t child = child_of(node, byte);
    if (child == 0) {
      child = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({byte, -1, 0, nodes_[node].child});
      nodes_[node].child = child;
    }
    node = child;
  }
  nodes_[node].id = id;
}

bool AddedTokens::PrefixTree::find(
    std::string_view text, ByteRange range, Match& match) const {
  for (size_t begin = range.begin; begin < range.end; ++begin) {
    if (!starts_[static_cast<uint8_t>(text[begin])])
      continue;
    match = {begin, begin, -1};
    uint32_t node = 0;
    for (size_t at = begin; at < range.end; ++at) {
      node = child_of(node, static_cast<uint8_t>(text[at]));
      if (node == 0)
        break;
      if (nodes_[node].id >= 0)
        match = {begin, at + 1, nodes_[node].id};
    }
    if (match.id >= 0)
      return true;
  }
  return false;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)) {
  std::ranges::sort(tokens_, {}, &AddedToken::id);
  for (const AddedToken& token : tokens_) {
    PrefixTree& tree = token.normalized ? normalized_ : plain_;
    tree.add(token.content, token.id);
  }
}

std::vector<AddedTokens::Match> AddedTokens::find(
    std::string_view text, std::span<const ByteRange> ranges) const {
  std::vector<Match> matches;
  auto second_pass = [&](ByteRange range) {
    Match match;
    while (normalized_.find(text, range, match)) {
      matches.push_back(match);
      range.begin = match.end;
    }
  };
  for (ByteRange range : ranges) {
    Match match;
    while (plain_.find(text, range, match)) {
      second_pass({range.begin, match.begin});
      matches.push_back(match);
      range.begin = match.end;
    }
    second_pass(range);
  }
  return matches;
}

const AddedToken* AddedTokens::find_content(std::string_view content) const {
  auto found = std::ranges::find(tokens_, content, &AddedToken::content);
  return found == tokens_.end() ? nullptr : &*found;
}

const AddedToken* AddedTokens::find_id(int32_t id) const {
  auto found = std::ranges::lower_bound(tokens_, id, {}, &AddedToken::id);
  return found == tokens_.end() || found->id != id ? nullptr : &*found;
}

}  // namespace hadal
