#include "cache/sequence_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/hash.h"
#include "cache/fake_model.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using testing::feed;
using testing::feed_in_chunks;
using testing::Outputs;
using testing::outputs_without_cache;
using testing::random_tokens;
using testing::small_layout;

constexpr uint64_t kFingerprint = 0x0123456789ABCDEF;

// A folder of its own, removed at the end.
struct SequenceFileTest : ::testing::Test {
  SequenceFileTest() {
    std::string name = ::testing::TempDir() + "hadal-sequence-XXXXXX";
    folder = mkdtemp(name.data());
    path = folder / "state";
  }
  ~SequenceFileTest() override { std::filesystem::remove_all(folder); }

  // Saves the first `length` tokens; returns what the live sequence gives for
  // the rest.
  Outputs save(int64_t length, int64_t reach) {
    SequenceCache cache(layout, pool);
    if (length > 0)
      feed_in_chunks(cache, std::span(tokens).first(length), 100);
    save_sequence(
        path,
        cache.snapshot(length, reach),
        std::span(tokens).first(length),
        kFingerprint);
    return feed(cache, std::span(tokens).subspan(length));
  }

  SavedSequence load() const {
    return load_sequence(path, layout, pool, kFingerprint);
  }

  std::string read_bytes() const {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write_bytes(const std::string& bytes) const {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  // With a checksum that fits.
  void write_sealed(std::string bytes) const {
    bytes.resize(bytes.size() - 8);
    const uint64_t checksum = hash64(bytes);
    bytes.append(reinterpret_cast<const char*>(&checksum), 8);
    write_bytes(bytes);
  }

  void expect_refused(ErrorCode code, const std::string& message) const {
    const int64_t used = pool->used_bytes();
    try {
      load();
      ADD_FAILURE() << "expected an Error with: " << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos)
          << error.what();
      EXPECT_NE(
          std::string(error.what()).find(path.string()), std::string::npos)
          << error.what();
    }
    EXPECT_EQ(pool->used_bytes(), used);
  }

  std::filesystem::path folder;
  std::filesystem::path path;
  std::shared_ptr<const CacheLayout> layout = small_layout();
  std::shared_ptr<PagePool> pool = std::make_shared<PagePool>(int64_t{1} << 30);
  std::vector<int32_t> tokens = random_tokens(1, 700);
};

TEST_F(SequenceFileTest, SizeIsKnownAhead) {
  for (const int64_t length : {0, 1, 127, 300}) {
    SequenceCache cache(layout, pool);
    if (length > 0)
      feed_in_chunks(cache, std::span(tokens).first(length), 100);
    int64_t written = 0;
    save_sequence(
        path,
        cache.snapshot(length, 0),
        std::span(tokens).first(length),
        kFingerprint,
        [&](int64_t bytes) { written += bytes; });
    EXPECT_EQ(saved_bytes(cache.snapshot(length, 0)), written + 8);
    EXPECT_EQ(
        saved_bytes(cache.snapshot(length, 0)),
        static_cast<int64_t>(std::filesystem::file_size(path)));
  }
}

TEST_F(SequenceFileTest, LoadedEqualsLive) {
  const Outputs expected = outputs_without_cache(*layout, tokens);
  for (const int64_t length : {0, 1, 4, 127, 128, 129, 300, 512}) {
    for (const int64_t reach : {0, 8}) {
      const Outputs live = save(length, reach);
      const SavedSequence saved = load();
      EXPECT_EQ(saved.state.length(), length);
      EXPECT_EQ(
          saved.tokens,
          std::vector<int32_t>(tokens.begin(), tokens.begin() + length));
      SequenceCache cache(saved.state);
      EXPECT_EQ(feed(cache, std::span(tokens).subspan(length)), live);
      EXPECT_EQ(live, Outputs(expected.begin() + length, expected.end()));

      const int64_t back = std::max<int64_t>(0, length - reach);
      SequenceCache shorter(saved.state);
      ASSERT_TRUE(shorter.rewind(back));
      EXPECT_EQ(
          feed(shorter, std::span(tokens).subspan(back)),
          Outputs(expected.begin() + back, expected.end()));
    }
  }
  // Only the file itself is left in the folder.
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_EQ(entry.path(), path);
    ++files;
  }
  EXPECT_EQ(files, 1);
}

TEST_F(SequenceFileTest, TheSameStateGivesTheSameBytes) {
  save(300, 0);
  const std::string first = read_bytes();
  const SavedSequence saved = load();
  save_sequence(path, saved.state, saved.tokens, kFingerprint);
  EXPECT_EQ(read_bytes(), first);
  // Fed in other chunks, on recycled memory.
  SequenceCache cache(layout, pool);
  feed_in_chunks(cache, std::span(tokens).first(300), 7);
  save_sequence(
      path, cache.snapshot(), std::span(tokens).first(300), kFingerprint);
  EXPECT_EQ(read_bytes(), first);
}

TEST_F(SequenceFileTest, ReachAndPagesMayDiffer) {
  save(300, 8);
  const Outputs expected = outputs_without_cache(*layout, tokens);
  layout = small_layout(
      {.storage = CacheStorage::exact, .rewind_tokens = 2, .rows_per_page = 8});
  SequenceCache cache(load().state);
  ASSERT_TRUE(cache.rewind(298));
  EXPECT_EQ(
      feed(cache, std::span(tokens).subspan(298)),
      Outputs(expected.begin() + 298, expected.end()));
}

TEST_F(SequenceFileTest, KeepsTheNextTokenModule) {
  SequenceCache cache(layout, pool);
  feed(cache, std::span(tokens).first(200));
  const auto bytes = static_cast<size_t>(layout->window_row.row_bytes());
  std::vector<std::byte> rows(199 * bytes);
  for (size_t i = 0; i < rows.size(); ++i)
    rows[i] = static_cast<std::byte>(i / bytes);
  cache.commit_window(4, 0, 199, rows.data());
  save_sequence(
      path, cache.snapshot(), std::span(tokens).first(200), kFingerprint);
  const SequenceCache loaded(load().state);
  EXPECT_EQ(loaded.mtp_length(0), 199);
  const WindowRing ring = loaded.window(4);
  EXPECT_EQ(
      ring.rows[198 % ring.capacity * static_cast<int64_t>(bytes)],
      static_cast<std::byte>(198));
  ASSERT_NE(loaded.hidden(199), nullptr);
  EXPECT_EQ(
      std::memcmp(
          loaded.hidden(199),
          cache.hidden(199),
          static_cast<size_t>(layout->hidden_width) * 4),
      0);
}

TEST_F(SequenceFileTest, MissingFile) {
  expect_refused(ErrorCode::not_found, "");
}

TEST_F(SequenceFileTest, EveryTruncationIsRefused) {
  save(130, 0);
  const std::string whole = read_bytes();
  for (size_t size = 0; size < whole.size();
       size += size < 200 ? 1 : whole.size() / 97) {
    write_bytes(whole.substr(0, size));
    expect_refused(ErrorCode::corrupt, "delete it");
  }
  write_bytes(whole + "x");
  expect_refused(ErrorCode::corrupt, "bytes of state were written");
}

TEST_F(SequenceFileTest, EveryFlippedBitIsRefused) {
  save(130, 0);
  const std::string whole = read_bytes();
  for (size_t at = 0; at < whole.size(); at += at < 300 ? 1 : 61) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    write_bytes(damaged);
    EXPECT_THROW(load(), Error) << at;
  }
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 1;
  write_bytes(damaged);
  expect_refused(ErrorCode::corrupt, "checksum");
}

TEST_F(SequenceFileTest, OtherFilesAreRefused) {
  write_bytes(std::string(1000, 'x'));
  expect_refused(ErrorCode::corrupt, "does not begin with HADALSEQ");
}

TEST_F(SequenceFileTest, AnotherVersionIsRefused) {
  save(130, 0);
  std::string bytes = read_bytes();
  bytes[8] = 1;
  write_sealed(bytes);
  expect_refused(
      ErrorCode::unsupported, "has version 1, this program reads version 2");
}

TEST_F(SequenceFileTest, AnotherModelIsRefused) {
  save(130, 0);
  std::string bytes = read_bytes();
  bytes[16] = 0;
  write_sealed(bytes);
  expect_refused(
      ErrorCode::unsupported,
      "(fingerprint 0123456789abcd00, here 0123456789abcdef)");
}

TEST_F(SequenceFileTest, AnotherPrecisionIsRefused) {
  save(130, 0);
  layout = small_layout({});
  expect_refused(
      ErrorCode::unsupported,
      "saved with the cache layout \"window 128 rows f32[8/4]");
}

TEST_F(SequenceFileTest, WrongSizesWithAFittingChecksumAreRefused) {
  save(130, 0);
  const std::string whole = read_bytes();
  const auto set = [&](size_t at, int64_t value) {
    std::string bytes = whole;
    std::memcpy(bytes.data() + at, &value, 8);
    write_sealed(bytes);
  };
  for (const int64_t length :
       {int64_t{-1}, int64_t{129}, int64_t{131}, int64_t{1} << 62}) {
    set(24, length);
    EXPECT_THROW(load(), Error) << length;
  }
  // The first ring's range stands after the header, the description and the
  // ids.
  const std::string description = layout->describe();
  const size_t ring = 40 + (description.size() + 7) / 8 * 8 + 130 * 4;
  int64_t begin = 0;
  std::memcpy(&begin, whole.data() + ring, 8);
  ASSERT_EQ(begin, 3);
  for (const int64_t wrong :
       {int64_t{-1}, int64_t{4}, int64_t{131}, INT64_MIN}) {
    set(ring, wrong);
    EXPECT_THROW(load(), Error) << wrong;
  }
  for (const int64_t wrong : {int64_t{2}, int64_t{131}, INT64_MAX}) {
    set(ring + 8, wrong);
    EXPECT_THROW(load(), Error) << wrong;
  }
  EXPECT_EQ(pool->used_bytes(), 0);
}

TEST_F(SequenceFileTest, AFullPoolIsAClearError) {
  save(300, 0);
  pool = std::make_shared<PagePool>(5000);
  try {
    load();
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource);
  }
  EXPECT_EQ(pool->used_bytes(), 0);
}

TEST_F(SequenceFileTest, AFolderThatIsNotThere) {
  path = folder / "missing" / "state";
  try {
    save(10, 0);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
  }
}

}  // namespace
}  // namespace hadal
