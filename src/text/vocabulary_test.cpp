// The vocabulary's two directions.
#include "text/vocabulary.h"

#include <gtest/gtest.h>

namespace hadal {
namespace {

using Kind = Vocabulary::Kind;

TEST(Vocabulary, FindsWhatWasAppended) {
  // All lengths from 1 to 200, which the hash treats in several ways.
  Vocabulary vocabulary(400);
  std::vector<std::string> tokens;
  for (size_t length = 1; length <= 200; ++length) {
    tokens.push_back(std::string(length, 'x'));
    tokens.push_back(std::string(length - 1, 'x') + '\0');
  }
  for (const std::string& token : tokens)
    vocabulary.append(token, Kind::mergeable);
  ASSERT_EQ(vocabulary.size(), 400);
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    EXPECT_EQ(vocabulary.bytes(id), tokens[id]);
    EXPECT_EQ(vocabulary.find(tokens[id]), id);
    EXPECT_EQ(vocabulary.find(tokens[id] + "y"), -1);
  }
  EXPECT_EQ(vocabulary.find(""), -1);
  EXPECT_EQ(vocabulary.find(std::string(1000, 'x')), -1);
}

TEST(Vocabulary, AtomicTokensAreNotFound) {
  Vocabulary vocabulary(3);
  EXPECT_EQ(vocabulary.append("<think>", Kind::atomic), 0);
  EXPECT_EQ(vocabulary.append("think", Kind::mergeable), 1);
  EXPECT_EQ(vocabulary.append("<think>", Kind::atomic), 2);
  EXPECT_EQ(vocabulary.find("<think>"), -1);
  EXPECT_EQ(vocabulary.find("think"), 1);
  EXPECT_EQ(vocabulary.bytes(2), "<think>");
}

TEST(Vocabulary, ARepeatedTokenKeepsItsId) {
  Vocabulary vocabulary(2);
  vocabulary.append("ab", Kind::mergeable);
  EXPECT_EQ(vocabulary.append("ab", Kind::mergeable), 0);
  EXPECT_EQ(vocabulary.size(), 1);
}

TEST(Vocabulary, RefusesMoreThanItsRoom) {
  Vocabulary vocabulary(1);
  auto fill = [&] {
    for (int i = 0; i < 100; ++i)
      vocabulary.append(std::to_string(i), Kind::mergeable);
  };
  EXPECT_ANY_THROW(fill());
}

}  // namespace
}  // namespace hadal
