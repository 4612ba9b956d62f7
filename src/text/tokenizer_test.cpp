// The whole tokenizer against the ids of the reference.
#include "hadal/tokenizer.h"

#include <gtest/gtest.h>

#include <cstring>

#include "hadal/error.h"
#include "text/tokenizer_test_files.h"
#include "text/utf8.h"

namespace hadal {
namespace {

using Ids = std::vector<int32_t>;

constexpr SpecialTokens kRecognised = SpecialTokens::recognised;
constexpr SpecialTokens kAsText = SpecialTokens::as_text;

TEST(Tokenizer, GoldenIds) {
  ASSERT_EQ(golden_texts().size(), 938u);
  for (const GoldenText& golden : golden_texts())
    EXPECT_EQ(v4_tokenizer().encode(golden.text, kRecognised), golden.ids)
        << golden.text;
}

TEST(Tokenizer, DecodingGivesTheTextBack) {
  for (const GoldenText& golden : golden_texts()) {
    for (const Tokenizer& tokenizer : {v4_tokenizer(), nano_tokenizer()}) {
      for (SpecialTokens special : {kRecognised, kAsText}) {
        Ids ids = tokenizer.encode(golden.text, special);
        EXPECT_EQ(tokenizer.decode(ids), golden.text);
      }
    }
  }
}

TEST(Tokenizer, HelloWorld) {
  EXPECT_EQ(v4_tokenizer().encode("hello world", kAsText), (Ids{33310, 2058}));
  EXPECT_EQ(v4_tokenizer().encode("", kRecognised), Ids{});
}

TEST(Tokenizer, OfficialPrompts) {
  JsonValue prompts = read_test_json("encoding/official_output_ids.json");
  ASSERT_EQ(prompts.items().size(), 4u);
  for (const JsonValue& prompt : prompts.items()) {
    std::string text =
        read_test_file("encoding/" + at(prompt, "file").as_string());
    Ids ids = ids_in(at(prompt, "ids"));
    EXPECT_EQ(std::to_string(ids.size()), at(prompt, "n_tokens").number_text());
    EXPECT_EQ(v4_tokenizer().encode(text, kRecognised), ids);
    EXPECT_EQ(v4_tokenizer().decode(ids), text);
  }
}

// Returns how many base tokens are not UTF-8 on their own, and so no text.
int check_base_tokens(const Tokenizer& tokenizer) {
  int fragments = 0;
  for (int32_t id = 3; id < tokenizer.base_size(); ++id) {
    std::string_view token = tokenizer.bytes(id);
    EXPECT_EQ(tokenizer.find(token), id);
    EXPECT_FALSE(tokenizer.is_added(id));
    if (is_valid_utf8(token))
      EXPECT_EQ(tokenizer.encode(token, kAsText), Ids{id}) << token;
    else
      ++fragments;
  }
  return fragments;
}

TEST(Tokenizer, EveryBaseTokenEncodesToItself) {
  EXPECT_EQ(v4_tokenizer().base_size(), 128000);
  EXPECT_EQ(check_base_tokens(v4_tokenizer()), 1470);
  EXPECT_EQ(nano_tokenizer().base_size(), 4202);
  check_base_tokens(nano_tokenizer());
}

TEST(Tokenizer, EveryAddedToken) {
  const Tokenizer& tokenizer = v4_tokenizer();
  for (const auto& [id, content, special] : listed_added_tokens()) {
    EXPECT_EQ(tokenizer.bytes(id), content);
    EXPECT_EQ(tokenizer.find(content), id);
    EXPECT_EQ(tokenizer.is_special(id), special);
    EXPECT_TRUE(tokenizer.is_added(id));
    Ids expected = tokenizer.encode("a", kAsText);
    expected.push_back(id);
    expected.push_back(id);
    EXPECT_EQ(tokenizer.encode("a" + content + content, kRecognised), expected);
    Ids text = tokenizer.encode(content, kAsText);
    EXPECT_GT(text.size(), 1u);
    for (int32_t part : text)
      EXPECT_FALSE(tokenizer.is_added(part));
  }
}

// The ids of the nano model's golden file, which the reference tokenizer made.
TEST(Tokenizer, NanoGoldenPrompts) {
  std::string file = read_test_file("../../models/nano/golden.safetensors");
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), sizeof(header_bytes));
  size_t data = sizeof(header_bytes) + header_bytes;
  JsonValue header = parse_json(file.substr(8, header_bytes)).value();
  int cases = 0;
  for (const auto& [name, tensor] : header.members()) {
    if (!name.ends_with(".ids"))
      continue;
    auto offsets = ids_in(at(tensor, "data_offsets"));
    auto bytes = static_cast<size_t>(offsets[1] - offsets[0]);
    Ids ids(bytes / sizeof(int32_t));
    std::memcpy(ids.data(), file.data() + data + offsets[0], bytes);
    std::string text = nano_tokenizer().decode(ids);
    EXPECT_EQ(nano_tokenizer().encode(text, kRecognised), ids) << name;
    ++cases;
  }
  EXPECT_EQ(cases, 6);
}

TEST(Tokenizer, Roles) {
  for (const Tokenizer& tokenizer : {v4_tokenizer(), nano_tokenizer()}) {
    EXPECT_EQ(tokenizer.bos_id(), 0);
    EXPECT_EQ(tokenizer.eos_id(), 1);
    EXPECT_EQ(tokenizer.pad_id(), 1);
    EXPECT_TRUE(tokenizer.is_special(0));
    EXPECT_EQ(tokenizer.find("no such token"), std::nullopt);
  }
  EXPECT_EQ(v4_tokenizer().size(), 129280);
  EXPECT_EQ(nano_tokenizer().size(), 4224);
  EXPECT_FALSE(v4_tokenizer().is_special(128803));
}

TEST(Tokenizer, TextOf4GibibytesIsRefused) {
  // Never read: the size alone decides.
  std::string_view text("", size_t{UINT32_MAX});
  EXPECT_THROW(v4_tokenizer().encode(text, kAsText), Error);
}

// Would take hours if any step were quadratic.
TEST(Tokenizer, LongRuns) {
  constexpr size_t kBytes = 2'000'000;
  std::string letters;
  for (size_t i = 0; i < kBytes; ++i)
    letters += static_cast<char>('a' + i * i % 23);
  std::vector<std::string> texts = {letters};
  for (std::string_view unit :
       {"a",
        " ",
        "\n",
        "!",
        "7",
        "\t ",
        "<",
        "<｜",
        "｜",
        "\u4F60",
        "\u200D",
        "\xFF"}) {
    std::string text;
    while (text.size() < kBytes)
      text += unit;
    texts.push_back(text);
  }
  for (const std::string& text : texts) {
    for (const Tokenizer& tokenizer : {v4_tokenizer(), nano_tokenizer()}) {
      Ids ids = tokenizer.encode(text, kRecognised);
      EXPECT_EQ(tokenizer.decode(ids), replace_invalid_utf8(text));
    }
  }
}

}  // namespace
}  // namespace hadal
