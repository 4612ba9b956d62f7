#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace hadal {
namespace {

TEST(Hash, IsXxh3) {
  EXPECT_EQ(hash64(""), 0x2D06800538D394C2U);  // published check value
}

TEST(Hash, PiecesEqualTheWhole) {
  const std::string text(1000, 'x');
  Hasher64 hasher;
  for (size_t i = 0; i < text.size(); i += 7)
    hasher.update(std::string_view(text).substr(i, 7));
  EXPECT_EQ(hasher.digest(), hash64(text));
}

}  // namespace
}  // namespace hadal
