#include "server/http/api_keys.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "hadal/error.h"

namespace hadal {
namespace {

TEST(ApiKeys, NamesAndKeys) {
  EXPECT_EQ(parse_api_key("alice=secret", 1).name, "alice");
  EXPECT_EQ(parse_api_key("secret", 3).name, "key-3");
  EXPECT_EQ(
      parse_api_key("alice=secret", 1).digest,
      parse_api_key("secret", 1).digest);
  // The padding of base64 is no name's end.
  EXPECT_EQ(parse_api_key("c2VjcmV0==", 2).name, "key-2");
  EXPECT_EQ(parse_api_key("a/b=c", 4).name, "key-4");
  EXPECT_NE(
      parse_api_key("c2VjcmV0=", 1).digest,
      parse_api_key("c2VjcmV0==", 1).digest);
}

TEST(ApiKeys, BadKeysAreRefusedWithoutBeingQuoted) {
  for (const std::string text :
       {"", "a b", "alice=se cret", "s\xc3\xa4", "tab\t"}) {
    try {
      parse_api_key(text, 7);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      const std::string message = error.what();
      EXPECT_NE(message.find("API key 7"), std::string::npos);
      EXPECT_EQ(message.find("cret"), std::string::npos);
    }
  }
  EXPECT_THROW(parse_api_key(std::string(1025, 'x'), 1), Error);
}

TEST(ApiKeys, Find) {
  const std::vector<ApiKey> keys = {
      parse_api_key("alice=first", 1),
      parse_api_key("bob=second", 2),
      parse_api_key("carol=second", 3)};
  EXPECT_EQ(*find_api_key(keys, "first"), "alice");
  EXPECT_EQ(*find_api_key(keys, "second"), "bob");
  for (const char* wrong : {"", "firs", "first ", "First", "alice=first"})
    EXPECT_EQ(find_api_key(keys, wrong), nullptr) << wrong;
  EXPECT_EQ(find_api_key({}, "first"), nullptr);
}

TEST(ApiKeys, Files) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / "hadal-api-keys";
  std::ofstream(file) << "# of the team\n\nalice=first\r\n  second  \n";
  const std::vector<ApiKey> keys = read_api_keys(file);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(*find_api_key(keys, "first"), "alice");
  EXPECT_EQ(*find_api_key(keys, "second"), "key-2");

  std::ofstream(file) << "alice=first\nbob=two words\n";
  try {
    read_api_keys(file);
    ADD_FAILURE();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("line 2"), std::string::npos);
    EXPECT_EQ(message.find("words"), std::string::npos);
  }
  std::filesystem::remove(file);
  EXPECT_THROW(read_api_keys(file), Error);
}

}  // namespace
}  // namespace hadal
