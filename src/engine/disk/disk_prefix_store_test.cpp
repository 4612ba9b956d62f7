#include "engine/disk/disk_prefix_store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>

#include "cache/fake_model.h"
#include "checkpoint/testing/temporary_directory.h"
#include "hadal/error.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;
using testing::feed;
using testing::feed_in_chunks;
using testing::random_tokens;
using testing::small_layout;

struct DiskPrefixStoreTest : ::testing::Test {
  DiskPrefixStoreTest() { options.folder = folder.path() / "saved"; }

  std::unique_ptr<DiskPrefixStore> open() {
    return std::make_unique<DiskPrefixStore>(options, layout, pool);
  }
  Snapshot snapshot_of(std::span<const int32_t> prefix) {
    SequenceCache cache(layout, pool);
    feed_in_chunks(cache, prefix, 100);
    return cache.snapshot();
  }
  void save(DiskPrefixStore& store, std::span<const int32_t> prefix) {
    store.offer({prefix.begin(), prefix.end()}, snapshot_of(prefix));
    store.flush();
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> result;
    for (const auto& file : fs::directory_iterator(options.folder / "prefixes"))
      result.push_back(file.path());
    return result;
  }

  testing::TemporaryDirectory folder;
  std::shared_ptr<const CacheLayout> layout = small_layout();
  std::shared_ptr<PagePool> pool =
      std::make_shared<PagePool>(int64_t{256} << 20);
  DiskPrefixStoreOptions options{
      .budget_bytes = int64_t{64} << 20,
      .fingerprint = 7,
      .min_tokens = 32,
      .reserve_bytes = 0};
  std::vector<int32_t> tokens = random_tokens(1, 600);
};

TEST_F(DiskPrefixStoreTest, ALaterProcessContinuesWithTheSameBits) {
  const std::span<const int32_t> prefix = std::span(tokens).first(400);
  save(*open(), prefix);

  const auto store = open();
  EXPECT_EQ(store->longest(tokens), 400);
  const auto saved = store->find(tokens, 0);
  ASSERT_TRUE(saved);
  EXPECT_TRUE(std::ranges::equal(saved->tokens, prefix));
  SequenceCache cold(layout, pool);
  feed_in_chunks(cold, prefix, 77);
  SequenceCache warm(saved->state);
  EXPECT_EQ(
      feed(warm, std::span(tokens).subspan(400)),
      feed(cold, std::span(tokens).subspan(400)));
}

TEST_F(DiskPrefixStoreTest, FindsTheLongestProperPrefix) {
  const auto store = open();
  for (const int64_t length : {100, 200, 400})
    save(*store, std::span(tokens).first(static_cast<size_t>(length)));
  EXPECT_EQ(store->find(tokens, 0)->state.length(), 400);
  EXPECT_EQ(store->find(tokens, 399)->state.length(), 400);
  EXPECT_FALSE(store->find(tokens, 400));
  // The last token is always computed, for its logits.
  EXPECT_EQ(store->find(std::span(tokens).first(400), 0)->state.length(), 200);
  auto other = tokens;
  other[150] ^= 1;
  EXPECT_EQ(store->find(other, 0)->state.length(), 100);
  EXPECT_EQ(store->longest(other), 100);
  other[0] ^= 1;
  EXPECT_FALSE(store->find(other, 0));
}

TEST_F(DiskPrefixStoreTest, AnotherModelFindsNothing) {
  save(*open(), std::span(tokens).first(100));
  options.fingerprint = 8;
  EXPECT_FALSE(open()->find(tokens, 0));
}

TEST_F(DiskPrefixStoreTest, ShortAndHardlyLongerPrefixesAreNotWritten) {
  const auto store = open();
  save(*store, std::span(tokens).first(31));
  EXPECT_EQ(files().size(), 0U);
  save(*store, std::span(tokens).first(300));
  save(*store, std::span(tokens).first(340));
  EXPECT_EQ(files().size(), 1U);
  save(*store, std::span(tokens).first(364));
  EXPECT_EQ(files().size(), 2U);
}

TEST_F(DiskPrefixStoreTest, DamagedFilesAreDroppedAndTheNextBestIsFound) {
  const auto store = open();
  save(*store, std::span(tokens).first(100));
  save(*store, std::span(tokens).first(400));
  for (const fs::path& file : files())
    if (file.string().find("-400-") != std::string::npos) {
      std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
      out.seekp(5'000);
      out.put('!');
    }
  EXPECT_EQ(store->find(tokens, 0)->state.length(), 100);
  EXPECT_EQ(files().size(), 1U);
  EXPECT_EQ(store->status().damaged, 1U);
  EXPECT_EQ(store->longest(tokens), 100);

  // Removed by hand, or by another server that made room.
  fs::remove(files().front());
  EXPECT_FALSE(store->find(tokens, 0));
  EXPECT_EQ(store->status().entries, 0);
  EXPECT_EQ(store->status().damaged, 1U);
}

TEST_F(DiskPrefixStoreTest, KeepsItsBudget) {
  const int64_t bytes = saved_bytes(snapshot_of(std::span(tokens).first(300)));
  options.budget_bytes = bytes * 5 / 2;
  const auto store = open();
  for (uint64_t seed = 10; seed < 14; ++seed)
    save(*store, random_tokens(seed, 300));
  EXPECT_EQ(store->status().entries, 2);
  EXPECT_LE(store->status().bytes, options.budget_bytes);
  EXPECT_EQ(files().size(), 2U);
  EXPECT_EQ(store->longest(random_tokens(10, 301)), 0);
  EXPECT_EQ(store->longest(random_tokens(13, 301)), 300);
  save(*store, tokens);  // more than one of 300, less than the budget
  EXPECT_EQ(store->longest(random_tokens(13, 301)), 300);
  options.budget_bytes = 1'000;
  save(*open(), random_tokens(20, 300));
  EXPECT_EQ(open()->longest(random_tokens(20, 301)), 0);
}

TEST_F(DiskPrefixStoreTest, AFullPoolIsNotTheFilesFault) {
  save(*open(), std::span(tokens).first(400));
  pool = std::make_shared<PagePool>(1'000);
  const auto store = open();
  EXPECT_THROW(store->find(tokens, 0), Error);
  EXPECT_EQ(files().size(), 1U);
}

TEST_F(DiskPrefixStoreTest, TwoStoresShareAFolder) {
  const auto first = open();
  const auto second = open();
  save(*first, std::span(tokens).first(200));
  EXPECT_EQ(second->find(tokens, 0)->state.length(), 200);
  save(*second, std::span(tokens).first(200));
  EXPECT_EQ(files().size(), 1U);
  EXPECT_EQ(first->status().entries, 1);
}

TEST_F(DiskPrefixStoreTest, OnlyOldStrayFilesAreRemovedAtTheStart) {
  open();
  const fs::path fresh = options.folder / "prefixes" / "fresh.hds";
  const fs::path old = options.folder / "prefixes" / "old.hds.part-abcdef";
  std::ofstream(fresh) << "x";
  std::ofstream(old) << "x";
  fs::last_write_time(
      old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  open();
  EXPECT_TRUE(fs::exists(fresh));
  EXPECT_FALSE(fs::exists(old));
}

TEST_F(DiskPrefixStoreTest, TheFolderIsForItsOwnerAlone) {
  open();
  EXPECT_EQ(fs::status(options.folder).permissions(), fs::perms::owner_all);
}

TEST_F(DiskPrefixStoreTest, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream(folder.path() / "file") << "x";
  options.folder = folder.path() / "file" / "below";
  try {
    open();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(
        std::string(error.what()).find(options.folder.string()),
        std::string::npos);
  }
}

// What the process that is killed wrote is whole or not there.
TEST_F(DiskPrefixStoreTest, KilledWhileWriting) {
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto store = open();
      for (uint64_t seed = 0;; ++seed)
        save(*store, random_tokens(seed % 20, 600));
    }
    usleep(20'000 + 17'000 * i);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const auto store = open();
    int found = 0;
    for (uint64_t seed = 0; seed < 20; ++seed)
      if (store->longest(random_tokens(seed, 601)) > 0) {
        EXPECT_TRUE(store->find(random_tokens(seed, 601), 0));
        ++found;
      }
    EXPECT_EQ(store->status().damaged, 0U);
    EXPECT_EQ(store->status().entries, found);
  }
}

}  // namespace
}  // namespace hadal
