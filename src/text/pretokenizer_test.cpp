// Pieces against those of the reference, and the time of long runs.
#include "text/pretokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/tokenizer_test_files.h"

namespace hadal {
namespace {

std::vector<std::string> pieces_of(std::string_view text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    size_t length = first_piece(text);
    pieces.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return pieces;
}

using Pieces = std::vector<std::string>;

TEST(Pretokenizer, PiecesOfTheReference) {
  auto vectors = read_vectors("pretokenizer_pieces.jsonl");
  ASSERT_EQ(vectors.size(), 1452u);
  for (const JsonValue& vector : vectors) {
    const std::string& text = at(vector, "text").as_string();
    Pieces expected;
    for (const JsonValue& piece : at(vector, "pieces").items())
      expected.push_back(piece.as_string());
    EXPECT_EQ(pieces_of(text), expected) << text;
  }
}

// The look-ahead of the third pattern ends where the first two cut.
TEST(Pretokenizer, SpacesBeforeACutOfAnotherPattern) {
  EXPECT_EQ(pieces_of("  x"), (Pieces{" ", " x"}));
  EXPECT_EQ(pieces_of("  5"), (Pieces{"  ", "5"}));
  EXPECT_EQ(pieces_of("  \u4F60"), (Pieces{"  ", "\u4F60"}));
  EXPECT_EQ(pieces_of(" \n  \n  x"), (Pieces{" \n  \n", " ", " x"}));
}

TEST(Pretokenizer, CharactersWithoutClass) {
  EXPECT_EQ(pieces_of("a\u200Db"), (Pieces{"a", "\u200Db"}));
  EXPECT_EQ(
      pieces_of("\u200D\u200D\u200Db"), (Pieces{"\u200D\u200D", "\u200Db"}));
  EXPECT_EQ(pieces_of("\x01\x02!"), (Pieces{"\x01\x02", "!"}));
  EXPECT_EQ(
      pieces_of(std::string_view("\0\0 a", 4)),
      (Pieces{std::string(2, '\0'), " a"}));
}

TEST(Pretokenizer, PunctuationInsideCjk) {
  EXPECT_EQ(
      pieces_of("\u30A2\u30FB\u30A2"), (Pieces{"\u30A2", "\u30FB", "\u30A2"}));
}

}  // namespace
}  // namespace hadal
