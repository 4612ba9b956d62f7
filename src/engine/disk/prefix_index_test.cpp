#include "engine/disk/prefix_index.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "checkpoint/testing/temporary_directory.h"

namespace hadal {
namespace {

struct PrefixIndexTest : ::testing::Test {
  testing::TemporaryDirectory folder;
  std::filesystem::path file = folder.path() / "index.sqlite";
};

PrefixEntry entry(
    uint64_t fingerprint, int64_t length, uint64_t hash, int64_t bytes = 10) {
  return {
      .fingerprint = fingerprint,
      .length = length,
      .hash = hash,
      .file = std::to_string(fingerprint) + "-" + std::to_string(length) + "-" +
              std::to_string(hash),
      .bytes = bytes};
}

TEST_F(PrefixIndexTest, FindsByModelLengthAndHash) {
  PrefixIndex index(file);
  constexpr uint64_t kHighBit = 0xFFFFFFFFFFFFFFF1U;
  index.add(entry(kHighBit, 100, kHighBit), {});
  index.add(entry(kHighBit, 100, 2), {});
  index.add(entry(kHighBit, 300, 3), {});
  index.add(entry(5, 200, 4), {});

  EXPECT_EQ(
      index.lengths(kHighBit, 0, 1'000), (std::vector<int64_t>{100, 300}));
  EXPECT_EQ(index.lengths(kHighBit, 100, 1'000), std::vector<int64_t>{300});
  EXPECT_EQ(index.lengths(kHighBit, 0, 300), std::vector<int64_t>{100});
  const auto found = index.find(kHighBit, 100, kHighBit);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->hash, kHighBit);
  EXPECT_EQ(found->fingerprint, kHighBit);
  EXPECT_FALSE(index.find(5, 100, 2));
  EXPECT_EQ(index.totals().entries, 4);
  EXPECT_EQ(index.totals().bytes, 40);

  index.remove(found->id);
  EXPECT_FALSE(index.find(kHighBit, 100, kHighBit));
  EXPECT_FALSE(index.holds(found->file));
  EXPECT_TRUE(index.holds(entry(5, 200, 4).file));
}

TEST_F(PrefixIndexTest, WhatWasExtendedGoesFirstUnlessItIsAskedForAgain) {
  PrefixIndex index(file);
  index.add(entry(1, 10, 1), {});
  const int64_t parent = index.find(1, 10, 1)->id;
  index.add(entry(1, 5, 9), {});  // another conversation, used later
  const int64_t parents[] = {parent};
  index.add(entry(1, 20, 2), parents);
  EXPECT_EQ(index.least_useful()->id, parent);
  index.touch(parent);  // a second conversation branches off here
  EXPECT_NE(index.least_useful()->id, parent);
}

TEST_F(PrefixIndexTest, SurvivesAndIsShared) {
  PrefixIndex first(file);
  PrefixIndex second(file);
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i)
      first.add(entry(1, i + 1, 1), {});
  });
  for (int i = 0; i < 50; ++i)
    second.add(entry(2, i + 1, 1), {});
  writer.join();
  EXPECT_EQ(first.totals().entries, 100);
  EXPECT_EQ(PrefixIndex(file).totals().entries, 100);
}

TEST_F(PrefixIndexTest, OneThatIsNoDatabaseIsPutAside) {
  std::ofstream(file) << std::string(5'000, 'x');
  PrefixIndex index(file);
  EXPECT_EQ(index.totals().entries, 0);
  index.add(entry(1, 2, 3), {});
  EXPECT_TRUE(std::filesystem::exists(file.string() + ".damaged"));
}

}  // namespace
}  // namespace hadal
