// Detecting the prompt revision of a checkpoint folder.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hadal/chat.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;

class RevisionOfFolder : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* test =
        testing::UnitTest::GetInstance()->current_test_info();
    base_ = fs::temp_directory_path() /
            ("hadal_revision_" + std::string(test->name()));
    fs::remove_all(base_);
    use_folder("checkpoint");
  }
  void TearDown() override { fs::remove_all(base_); }

  void use_folder(const std::string& folder) {
    folder_ = base_ / folder;
    fs::create_directories(folder_ / "encoding");
  }
  void write(const std::string& file, std::string_view text) {
    std::ofstream(folder_ / file, std::ios::binary) << text;
  }
  std::string detected(std::string_view setting = "") {
    Result<ModelRevision> revision = detect_revision(folder_.string(), setting);
    return revision.has_value() ? std::string(name(*revision))
                                : revision.error().message;
  }

  fs::path base_;
  fs::path folder_;
};

TEST_F(RevisionOfFolder, V4WithoutAnySign) {
  EXPECT_EQ(detected(), "v4");
  write("config.json", "{\"model_type\": \"deepseek_v4\"}");
  write("tokenizer.json", "{\"added_tokens\": [{\"content\": \"<think>\"}]}");
  EXPECT_EQ(detected(), "v4");
}

TEST_F(RevisionOfFolder, MissingFolder) {
  EXPECT_EQ(name(detect_revision("/nonexistent/DeepSeek-V4").value()), "v4");
}

TEST_F(RevisionOfFolder, ASettingComesFirst) {
  write("encoding/encoding.py", "");
  EXPECT_EQ(detected("v4"), "v4");
  EXPECT_EQ(detected("v4-0731"), "v4-0731");
  EXPECT_EQ(
      detected("v5"), "unknown prompt revision 'v5'; expected v4 or v4-0731");
}

TEST_F(RevisionOfFolder, ConfigComesSecond) {
  write("encoding/encoding.py", "");
  write("config.json", "{\"dsv4_reasoning_effort_profile\": \"preview\"}");
  EXPECT_EQ(detected(), "v4");
  write("config.json", "{\"dsv4_reasoning_effort_profile\": \"official\"}");
  EXPECT_EQ(detected(), "v4-0731");
  write(
      "config.json",
      "{\"dsv4_reasoning_effort_profile\": \"preview\", "
      "\"hadal_revision\": \"v4-0731\"}");
  EXPECT_EQ(detected(), "v4-0731");
}

TEST_F(RevisionOfFolder, V41IsKnownAndRefused) {
  write("encoding/encoding.py", "");
  Result<ModelRevision> revision = detect_revision(folder_.string());
  ASSERT_FALSE(revision.has_value());
  EXPECT_EQ(revision.error().code, ErrorCode::unsupported);
  EXPECT_NE(revision.error().message.find(folder_.string()), std::string::npos);
  EXPECT_NE(
      revision.error().message.find("v4.1 is not supported yet"),
      std::string::npos);
}

TEST_F(RevisionOfFolder, V41ByItsSystemToken) {
  write("encoding/encoding_dsv4.py", "REASONING_EFFORT_MAX");
  write(
      "tokenizer.json",
      "{\"added_tokens\": [{\"id\": 128799, \"content\": \"<｜System｜>\"}]}");
  EXPECT_FALSE(detect_revision(folder_.string()).has_value());
  write(
      "tokenizer.json",
      "{\"added_tokens\": [{\"content\": \"<\\uff5cSystem\\uff5c>\"}]}");
  EXPECT_FALSE(detect_revision(folder_.string()).has_value());
  // The spelling elsewhere in the file means nothing.
  write("tokenizer.json", "{\"added_tokens\": [], \"x\": \"<｜System｜>\"}");
  EXPECT_EQ(detected(), "v4");
}

TEST_F(RevisionOfFolder, EncoderFile) {
  write("encoding/encoding_dsv4.py", "REASONING_EFFORT_PROMPTS = {}");
  EXPECT_EQ(detected(), "v4-0731");
  write("encoding/encoding_dsv4.py", "x = 'Beyond maximum'");
  EXPECT_EQ(detected(), "v4-0731");
  use_folder("DeepSeek-V4-Flash-0731");
  write("encoding/encoding_dsv4.py", "REASONING_EFFORT_MAX = ''");
  EXPECT_EQ(detected(), "v4");
}

TEST_F(RevisionOfFolder, FolderName) {
  use_folder("DeepSeek-V4-Flash-0731");
  EXPECT_EQ(detected(), "v4-0731");
  use_folder("DeepSeek-V4-Pro-0813/");
  EXPECT_EQ(detected(), "v4-0731");
  use_folder("0731/DeepSeek-V4-Flash");
  EXPECT_EQ(detected(), "v4");
}

TEST(Revision, Names) {
  for (ModelRevision revision : {ModelRevision::v4, ModelRevision::v4_0731})
    EXPECT_EQ(revision_from_name(name(revision)).value(), revision);
  EXPECT_FALSE(revision_from_name("v4.1").has_value());
  EXPECT_FALSE(revision_from_name("v4-vision").has_value());
  EXPECT_FALSE(revision_from_name("").has_value());
}

}  // namespace
}  // namespace hadal
