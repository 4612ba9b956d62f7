// Short pieces (nearly all) are merged in two small arrays. Long ones, which
// only unusual text contains, are merged rank by rank in a linked list.
#include "text/byte_pair_encoder.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>

#include "base/check.h"

namespace hadal {
namespace {

// Up to here the quadratic search for the best pair is the faster way.
constexpr size_t kShortBytes = 256;

// A token of a long piece; its place in the array is its first byte.
struct Node {
  int32_t token;
  int32_t pair;  // what it becomes together with the next token
  uint32_t previous;
  uint32_t next;
};

}  // namespace

BytePairEncoder::BytePairEncoder(
    const std::array<int32_t, 256>& byte_ids, size_t merges)
    : byte_ids_(byte_ids), slots_(std::bit_ceil(2 * merges + 1)) {}

void BytePairEncoder::add_merge(int32_t left, int32_t right, int32_t merged) {
  HADAL_CHECK(merged > left && merged > right && merged != kNone);
  HADAL_CHECK(2 * ++merges_ <= slots_.size());
  Merge& slot = slots_[slot_of(left, right)];
  HADAL_CHECK(slot.merged == kNone);
  slot = {left, right, merged};
}

size_t BytePairEncoder::slot_of(int32_t left, int32_t right) const {
  auto key = static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  size_t mask = slots_.size() - 1;
  size_t at = (key * 0x9E3779B97F4A7C15u) >> 32 & mask;
  for (;; at = (at + 1) & mask) {
    const Merge& slot = slots_[at];
    if ((slot.left == left && slot.right == right) || slot.merged == kNone)
      return at;
  }
}

void BytePairEncoder::encode(
    std::string_view piece, std::vector<int32_t>& ids) const {
  if (piece.size() <= kShortBytes)
    encode_short(piece, ids);
  else
    encode_long(piece, ids);
}

void BytePairEncoder::encode_short(
    std::string_view piece, std::vector<int32_t>& ids) const {
  int32_t tokens[kShortBytes];
  int32_t pairs[kShortBytes];  // pairs[i]: what tokens i and i + 1 become
  size_t count = piece.size();
  for (size_t i = 0; i < count; ++i)
    tokens[i] = byte_ids_[static_cast<uint8_t>(piece[i])];
  for (size_t i = 0; i + 1 < count; ++i)
    pairs[i] = merged(tokens[i], tokens[i + 1]);

  while (count > 1) {
    int32_t* best = std::min_element(pairs, pairs + count - 1);
    if (*best == kNone)
      break;
    size_t at = static_cast<size_t>(best - pairs);
    tokens[at] = *best;
    std::copy(tokens + at + 2, tokens + count, tokens + at + 1);
    std::copy(pairs + at + 1, pairs + count - 1, pairs + at);
    --count;
    if (at + 1 < count)
      pairs[at] = merged(tokens[at], tokens[at + 1]);
    if (at > 0)
      pairs[at - 1] = merged(tokens[at - 1], tokens[at]);
  }
  ids.insert(ids.end(), tokens, tokens + count);
}

// A merge only makes pairs of higher rank than its own. So the ranks can be
// taken one by one in increasing order, each with all its places from left to
// right, and no priority queue of places is needed.
void BytePairEncoder::encode_long(
    std::string_view piece, std::vector<int32_t>& ids) const {
  constexpr uint32_t kNowhere = std::numeric_limits<uint32_t>::max();
  HADAL_CHECK(piece.size() < kNowhere);
  auto count = static_cast<uint32_t>(piece.size());
  std::vector<Node> nodes(count);
  std::map<int32_t, std::vector<uint32_t>> places_by_rank;

  for (uint32_t i = 0; i < count; ++i) {
    int32_t token = byte_ids_[static_cast<uint8_t>(piece[i])];
    nodes[i] = {
        token,
        kNone,
        i > 0 ? i - 1 : kNowhere,
        i + 1 < count ? i + 1 : kNowhere};
  }
  auto find_pair = [&](uint32_t at) {
    Node& node = nodes[at];
    node.pair = node.next == kNowhere
                    ? kNone
                    : merged(node.token, nodes[node.next].token);
    if (node.pair != kNone)
      places_by_rank[node.pair].push_back(at);
  };
  for (uint32_t i = 0; i < count; ++i)
    find_pair(i);

  while (!places_by_rank.empty()) {
    auto lowest = places_by_rank.extract(places_by_rank.begin());
    std::vector<uint32_t>& places = lowest.mapped();
    std::sort(places.begin(), places.end());
    for (uint32_t at : places) {
      Node& node = nodes[at];
      if (node.pair != lowest.key())
        continue;  // a neighbour has merged since
      Node& taken = nodes[node.next];
      node.token = lowest.key();
      node.next = taken.next;
      taken.pair = kNone;
      if (node.next != kNowhere)
        nodes[node.next].previous = at;
      find_pair(at);
      if (node.previous != kNowhere)
        find_pair(node.previous);
    }
  }
  for (uint32_t at = 0; at != kNowhere; at = nodes[at].next)
    ids.push_back(nodes[at].token);
}

}  // namespace hadal
