// Decoding token by token: always whole characters, always the whole text.
#include <gtest/gtest.h>

#include "hadal/error.h"
#include "text/tokenizer_test_files.h"
#include "text/utf8.h"

namespace hadal {
namespace {

TEST(DecodeStream, WholeCharactersOfEveryGolden) {
  for (const GoldenText& golden : golden_texts()) {
    DecodeStream stream(v4_tokenizer());
    std::string text;
    for (int32_t id : golden.ids) {
      std::string characters = stream.push(id);
      EXPECT_TRUE(is_valid_utf8(characters));
      text += characters;
      EXPECT_EQ(golden.text.substr(0, text.size()), text);
    }
    EXPECT_EQ(text + stream.finish(), golden.text);
  }
}

// One token a byte, which is how the smallest vocabulary would write it.
TEST(DecodeStream, HoldsBackAnUnfinishedCharacter) {
  const Tokenizer& tokenizer = v4_tokenizer();
  auto byte = [&](char c) { return *tokenizer.find(std::string(1, c)); };
  DecodeStream stream(tokenizer);
  EXPECT_EQ(stream.push(byte('\xF0')), "");
  EXPECT_EQ(stream.push(byte('\x9F')), "");
  EXPECT_EQ(stream.push(byte('\x99')), "");
  EXPECT_EQ(stream.push(byte('\x82')), "\xF0\x9F\x99\x82");
  EXPECT_EQ(stream.push(byte('\xE4')), "");
  EXPECT_EQ(stream.push(byte('a')), "\uFFFDa");
  EXPECT_EQ(stream.push(byte('\x80')), "\uFFFD");
  EXPECT_EQ(stream.push(byte('\xE4')), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(DecodeStream, EqualsDecodingAtOnceForAnyIds) {
  const Tokenizer& tokenizer = nano_tokenizer();
  std::vector<int32_t> ids;
  uint32_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 1664525 + 1013904223;
    ids.push_back(static_cast<int32_t>((state >> 8) % 4224));
  }
  for (bool skip_special : {false, true}) {
    DecodeStream stream(tokenizer, skip_special);
    std::string text;
    for (int32_t id : ids)
      text += stream.push(id);
    text += stream.finish();
    EXPECT_EQ(text, tokenizer.decode(ids, skip_special));
  }
}

TEST(DecodeStream, SkipsOnlySpecialTokens) {
  const Tokenizer& tokenizer = v4_tokenizer();
  std::vector<int32_t> ids = tokenizer.encode(
      "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜><think>"
      "<｜place▁holder▁no▁7｜><｜end▁of▁sentence｜>",
      SpecialTokens::recognised);
  EXPECT_EQ(ids.size(), 7u);
  EXPECT_EQ(tokenizer.decode(ids, true), "<｜User｜>Hi<｜Assistant｜><think>");
}

TEST(DecodeStream, RefusesIdsOutOfRange) {
  const Tokenizer& tokenizer = nano_tokenizer();
  DecodeStream stream(tokenizer);
  for (int32_t id : {-1, 4224, INT32_MAX}) {
    EXPECT_THROW(stream.push(id), Error);
    EXPECT_THROW(tokenizer.bytes(id), Error);
    EXPECT_THROW(tokenizer.decode(std::vector{id}), Error);
    EXPECT_THROW(tokenizer.is_special(id), Error);
    EXPECT_THROW(tokenizer.is_added(id), Error);
  }
}

}  // namespace
}  // namespace hadal
