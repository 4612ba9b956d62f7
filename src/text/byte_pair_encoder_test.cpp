// The encoder against the definition, on random merges and random text.
#include "text/byte_pair_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>

namespace hadal {
namespace {

using Ids = std::vector<int32_t>;
using Merges = std::map<std::pair<int32_t, int32_t>, int32_t>;

// Byte b is token b; merges make the ids from 256 on.
BytePairEncoder encoder_of(const Merges& merges) {
  std::array<int32_t, 256> byte_ids;
  for (int i = 0; i < 256; ++i)
    byte_ids[i] = i;
  BytePairEncoder encoder(byte_ids, merges.size());
  for (auto [pair, merged] : merges)
    encoder.add_merge(pair.first, pair.second, merged);
  return encoder;
}

Ids encoded(const BytePairEncoder& encoder, std::string_view piece) {
  Ids ids;
  encoder.encode(piece, ids);
  return ids;
}

// The definition: merge the leftmost pair of the lowest rank until none is
// left.
Ids merged_by_definition(const Merges& merges, std::string_view piece) {
  Ids ids;
  for (char c : piece)
    ids.push_back(static_cast<uint8_t>(c));
  for (;;) {
    int32_t lowest = INT32_MAX;
    size_t place = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      auto merge = merges.find({ids[i], ids[i + 1]});
      if (merge != merges.end() && merge->second < lowest) {
        lowest = merge->second;
        place = i;
      }
    }
    if (lowest == INT32_MAX)
      return ids;
    ids[place] = lowest;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(place) + 1);
  }
}

Merges random_merges(std::mt19937& random, int count) {
  Merges merges;
  int32_t next = 256;
  auto token = [&] {
    std::uniform_int_distribution<int32_t> pick(-4, next - 257);
    int32_t index = pick(random);
    return index < 0 ? 'a' - 1 - index : 256 + index;
  };
  while (static_cast<int>(merges.size()) < count) {
    if (merges.insert({{token(), token()}, next}).second)
      ++next;
  }
  return merges;
}

TEST(BytePairEncoder, EqualsTheDefinition) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    Merges merges = random_merges(random, 5 + round);
    BytePairEncoder encoder = encoder_of(merges);
    std::uniform_int_distribution<size_t> length(0, 600);
    std::uniform_int_distribution<int> letter('a', round % 2 ? 'd' : 'b');
    for (int i = 0; i < 20; ++i) {
      std::string piece(length(random), 'a');
      for (char& c : piece)
        c = static_cast<char>(letter(random));
      ASSERT_EQ(encoded(encoder, piece), merged_by_definition(merges, piece))
          << piece;
    }
  }
}

TEST(BytePairEncoder, OverlappingPairsMergeFromTheLeft) {
  BytePairEncoder encoder = encoder_of({{{'a', 'a'}, 256}});
  EXPECT_EQ(encoded(encoder, "aaa"), (Ids{256, 'a'}));
  Ids ids = encoded(encoder, std::string(1001, 'a'));
  EXPECT_EQ(ids.size(), 501u);
  EXPECT_EQ(ids.front(), 256);
  EXPECT_EQ(ids.back(), 'a');
}

TEST(BytePairEncoder, WithoutMergesThereAreOnlyBytes) {
  BytePairEncoder encoder = encoder_of({});
  EXPECT_EQ(encoded(encoder, ""), Ids{});
  EXPECT_EQ(encoded(encoder, "\xFF\x01"), (Ids{255, 1}));
  EXPECT_EQ(encoded(encoder, std::string(700, 'x')), Ids(700, 'x'));
}

TEST(BytePairEncoder, RefusesMergesThatBreakItsRules) {
  std::array<int32_t, 256> byte_ids{};
  BytePairEncoder encoder(byte_ids, 2);
  encoder.add_merge(1, 2, 300);
  EXPECT_ANY_THROW(encoder.add_merge(300, 2, 299));
  EXPECT_ANY_THROW(encoder.add_merge(1, 2, 301));
}

}  // namespace
}  // namespace hadal
