#include "convert/journal.h"

#include <gtest/gtest.h>

#include <fstream>

#include "checkpoint/testing/temporary_directory.h"
#include "hadal/error.h"

namespace hadal {
namespace {

const ConversionKey kKey{
    "00ff", R"({"recipe":"x"})", R"({"quantiser":"plain"})"};

class JournalTest : public ::testing::Test {
 protected:
  testing::TemporaryDirectory directory_;

  std::filesystem::path file() const {
    return directory_.path() / kJournalName;
  }
  void write_shard(const std::string& name, size_t bytes) const {
    std::ofstream(directory_.path() / name) << std::string(bytes, 'x');
  }
  std::string refusal(const ConversionKey& key) const {
    try {
      Journal journal(directory_.path(), key);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST_F(JournalTest, RemembersWhatWasFinished) {
  {
    Journal journal(directory_.path(), kKey);
    EXPECT_EQ(journal.finished("a"), nullptr);
    write_shard("a", 10);
    journal.add("a", {10, {"01", "02"}});
  }
  Journal journal(directory_.path(), kKey);
  ASSERT_NE(journal.finished("a"), nullptr);
  EXPECT_EQ(journal.finished("a")->hashes[1], "02");
  write_shard("a", 9);  // not what was finished
  EXPECT_EQ(journal.finished("a"), nullptr);
}

TEST_F(JournalTest, ALineCutShortAtAnyByteDoesNotCount) {
  write_shard("a", 1);
  write_shard("b", 1);
  {
    Journal journal(directory_.path(), kKey);
    journal.add("a", {1, {"01"}});
    journal.add("b", {1, {"02"}});
  }
  std::ifstream in(file(), std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const size_t first = text.find('\n') + 1;
  const size_t second = text.find('\n', first) + 1;
  for (size_t size = 0; size < text.size(); ++size) {
    std::ofstream(file(), std::ios::binary) << text.substr(0, size);
    Journal journal(directory_.path(), kKey);
    EXPECT_EQ(journal.finished("a") != nullptr, size >= second) << size;
    EXPECT_EQ(journal.finished("b"), nullptr);
    journal.add("b", {1, {"02"}});  // goes on where the whole lines end
    Journal again(directory_.path(), kKey);
    EXPECT_NE(again.finished("b"), nullptr) << size;
  }
}

TEST_F(JournalTest, OtherConversionsAreRefused) {
  { Journal journal(directory_.path(), kKey); }
  ConversionKey other = kKey;
  other.source = "11";
  EXPECT_NE(refusal(other).find("source has changed"), std::string::npos);
  other = kKey;
  other.recipe = R"({"recipe":"y"})";
  EXPECT_NE(refusal(other).find("another recipe"), std::string::npos);
  other = kKey;
  other.options = R"({"quantiser":"search"})";
  EXPECT_NE(refusal(other).find("other options"), std::string::npos);
  std::ofstream(file(), std::ios::app) << "{}\n";
  EXPECT_NE(refusal(kKey).find("damaged"), std::string::npos);
}

}  // namespace
}  // namespace hadal
