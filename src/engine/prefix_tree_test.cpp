#include "engine/prefix_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace hadal {
namespace {

using Tokens = std::vector<int32_t>;
using Tree = PrefixTree<int>;

void put(Tree& tree, const Tokens& tokens, int value) {
  tree.at(tokens)->value() = value;
}

TEST(PrefixTree, FindsTheLongestThatBeginsTheTokens) {
  Tree tree;
  put(tree, {1, 2, 3}, 3);
  put(tree, {1, 2, 3, 4, 5}, 5);
  put(tree, {1, 9}, 9);
  const auto find = [&](const Tokens& tokens) {
    return tree.find(tokens, static_cast<int64_t>(tokens.size()));
  };
  EXPECT_EQ(*find({1, 2, 3, 4, 5, 6}).node->value(), 5);
  EXPECT_EQ(*find({1, 2, 3, 4, 7}).node->value(), 3);
  EXPECT_EQ(find({1, 2, 3, 4, 7}).common, 4);
  EXPECT_EQ(*find({1, 2, 3, 4, 5}).node->value(), 5);
  EXPECT_EQ(*tree.find(Tokens{1, 2, 3, 4, 5}, 4).node->value(), 3);
  EXPECT_EQ(find({1, 2}).node, nullptr);
  EXPECT_EQ(find({1, 2}).common, 2);
  EXPECT_EQ(find({7}).node, nullptr);
  EXPECT_EQ(find({7}).common, 0);
  EXPECT_EQ(*find({1, 9}).node->value(), 9);
}

TEST(PrefixTree, NodesThatServeNobodyGo) {
  Tree tree;
  put(tree, {1, 2, 3, 4}, 4);
  put(tree, {1, 2, 8, 9}, 8);
  EXPECT_EQ(tree.node_count(), 3);
  Tree::Node* const longest = tree.at(Tokens{1, 2, 3, 4});
  EXPECT_EQ(longest->ancestor(), nullptr);
  tree.remove(tree.at(Tokens{1, 2, 8, 9}));
  EXPECT_EQ(tree.node_count(), 1);
  EXPECT_EQ(tree.at(Tokens{1, 2, 3, 4}), longest);
  put(tree, {1, 2}, 2);
  EXPECT_EQ(longest->ancestor()->length(), 2);
  EXPECT_FALSE(longest->ancestor()->is_leaf());
  tree.remove(longest);
  EXPECT_TRUE(tree.at(Tokens{1, 2})->is_leaf());
  tree.remove(tree.at(Tokens{1, 2}));
  EXPECT_EQ(tree.node_count(), 0);
}

// Against a plain map, with few different tokens so that paths meet.
TEST(PrefixTree, DoesWhatAMapDoes) {
  std::mt19937 random(7);
  Tree tree;
  std::map<Tokens, int> map;
  for (int step = 0; step < 4000; ++step) {
    Tokens tokens;
    const size_t length = 1 + random() % 12;
    while (tokens.size() < length)
      tokens.push_back(static_cast<int32_t>(random() % 3));
    if (random() % 3 == 0 && !map.empty()) {
      const auto at = std::next(
          map.begin(), static_cast<std::ptrdiff_t>(random() % map.size()));
      tree.remove(tree.at(at->first));
      map.erase(at);
    } else {
      put(tree, tokens, step);
      map[tokens] = step;
    }
    Tokens query;
    while (query.size() < 14)
      query.push_back(static_cast<int32_t>(random() % 3));
    const auto most = static_cast<int64_t>(random() % 15);
    int64_t best = 0;
    int64_t common = 0;
    for (const auto& [key, value] : map) {
      const auto shared =
          std::mismatch(key.begin(), key.end(), query.begin(), query.end())
              .first -
          key.begin();
      common = std::max<int64_t>(common, shared);
      const auto size = static_cast<int64_t>(key.size());
      if (shared == size && size <= most)
        best = std::max(best, size);
    }
    const Tree::Match match = tree.find(query, most);
    EXPECT_EQ(match.common, common);
    ASSERT_EQ(match.node == nullptr ? 0 : match.node->length(), best);
    if (match.node != nullptr) {
      const Tokens key(query.begin(), query.begin() + best);
      EXPECT_EQ(*match.node->value(), map.at(key));
    }
  }
  size_t values = 0;
  tree.for_each([&](Tree::Node*) { ++values; });
  EXPECT_EQ(values, map.size());
  // A radix tree: every node has a value or several children.
  EXPECT_LT(tree.node_count(), 2 * static_cast<int64_t>(map.size()));
}

}  // namespace
}  // namespace hadal
