// The fingerprint sees what makes a checkpoint another one, and nothing else.
#include "weights/fingerprint.h"

#include <gtest/gtest.h>

#include <fstream>

#include "checkpoint/testing/temporary_directory.h"
#include "weights/load_checkpoint.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;

const fs::path kNano = fs::path(HADAL_SOURCE_DIR) / "models/nano";

uint64_t fingerprint_of(const fs::path& directory) {
  return fingerprint(directory, CheckpointFiles(directory));
}

class FingerprintTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::copy(kNano, directory_ / "copy");
    original_ = fingerprint_of(directory_ / "copy");
  }
  void change_byte(const std::string& name, uint64_t at) {
    std::fstream file(
        directory_ / "copy" / name,
        std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
  }
  uint64_t now() const { return fingerprint_of(directory_ / "copy"); }

  testing::TemporaryDirectory directory_;
  uint64_t original_ = 0;
};

TEST_F(FingerprintTest, ACopyIsTheSame) {
  EXPECT_EQ(original_, fingerprint_of(kNano));
  EXPECT_EQ(original_, load_checkpoint(kNano).fingerprint);
  EXPECT_NE(original_, 0U);
  EXPECT_EQ(inspect_checkpoint(kNano).fingerprint, 0U);
}

TEST_F(FingerprintTest, SeesTheWeights) {
  const CheckpointFiles files(kNano);
  // The first, the last and the middle byte of a sampled tensor.
  const StoredTensor& tensor = files.shards()[0].tensors()[0];
  const auto offset =
      static_cast<uint64_t>(tensor.data - files.shards()[0].tensors()[0].data);
  const uint64_t data_begin = fs::file_size(kNano / files.shard_name(0)) -
                              (files.shards()[0].tensors().back().begin +
                               files.shards()[0].tensors().back().bytes);
  for (uint64_t at : {uint64_t{0}, tensor.bytes / 2, tensor.bytes - 1}) {
    change_byte(files.shard_name(0), data_begin + offset + at);
    EXPECT_NE(now(), original_) << at;
    change_byte(files.shard_name(0), data_begin + offset + at);
    EXPECT_EQ(now(), original_);
  }
}

TEST_F(FingerprintTest, SeesTheConfiguration) {
  std::string text = testing::read_text(directory_ / "copy" / "config.json");
  const std::string factor = "\"routed_scaling_factor\": 1.5";
  ASSERT_NE(text.find(factor), std::string::npos);
  text.replace(
      text.find(factor), factor.size(), "\"routed_scaling_factor\": 2.5");
  testing::write_text(directory_ / "copy" / "config.json", text);
  EXPECT_NE(now(), original_);
}

TEST_F(FingerprintTest, DoesNotSeeOtherFiles) {
  fs::remove(directory_ / "copy" / "README.md");
  testing::write_text(directory_ / "copy" / "other", "x");
  EXPECT_EQ(now(), original_);
}

}  // namespace
}  // namespace hadal
