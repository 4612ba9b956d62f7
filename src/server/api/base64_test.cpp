#include "server/api/base64.h"

#include <gtest/gtest.h>

namespace hadal {
namespace {

// The examples of RFC 4648, section 10.
TEST(Base64, Examples) {
  const std::pair<const char*, const char*> kExamples[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"}};
  for (auto [plain, coded] : kExamples) {
    EXPECT_EQ(encode_base64(plain), coded);
    EXPECT_EQ(decode_base64(coded), plain);
  }
}

TEST(Base64, AllBytes) {
  std::string bytes;
  for (int i = 0; i < 256; ++i)
    bytes += static_cast<char>(i);
  EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
}

TEST(Base64, OtherTextIsRefused) {
  for (const char* text :
       {"Zg",
        "Zg=",
        "Z===",
        "====",
        "Zm9*",
        "Zm-_",
        "=Zm9",
        "Zg==Zg==",
        "Zm9v\n"})
    EXPECT_FALSE(decode_base64(text).has_value()) << text;
}

}  // namespace
}  // namespace hadal
