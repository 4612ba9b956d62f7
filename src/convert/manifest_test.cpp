#include "convert/manifest.h"

#include <gtest/gtest.h>

#include "checkpoint/testing/temporary_directory.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using testing::error_of;
using testing::TemporaryDirectory;

Manifest sample() {
  Manifest manifest;
  manifest.key = {"00ff", R"({"recipe":"x"})", R"({"quantiser":"plain"})"};
  manifest.rerounded = {"layers.0.attn.wq_a"};
  manifest.files = {{"config.json", hex(1)}};
  manifest.tensors = {{"lm_head.weight", {"model.safetensors", 12, hex(2)}}};
  return manifest;
}

TEST(Manifest, HashesHaveSixteenDigits) {
  EXPECT_EQ(hex(0xAB), "00000000000000ab");
}

TEST(Manifest, ComesBackAsItWas) {
  const TemporaryDirectory directory;
  EXPECT_FALSE(read_manifest(directory.path()));
  testing::write_text(directory / kManifestName, manifest_json(sample()));
  const std::optional<Manifest> read = read_manifest(directory.path());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->key, sample().key);
  EXPECT_EQ(read->rerounded, sample().rerounded);
  EXPECT_EQ(read->files, sample().files);
  ASSERT_EQ(read->tensors.size(), 1U);
  EXPECT_EQ(read->tensors.at("lm_head.weight").bytes, 12U);
  EXPECT_EQ(read->tensors.at("lm_head.weight").hash, hex(2));
}

TEST(Manifest, DamageIsSaid) {
  const TemporaryDirectory directory;
  const std::string whole = manifest_json(sample());
  const auto refusal = [&](const std::string& text) {
    testing::write_text(directory / kManifestName, text);
    return error_of([&] { read_manifest(directory.path()); });
  };
  for (const std::string& text :
       {std::string(), whole.substr(0, whole.size() / 2), std::string("[]")}) {
    const std::string found = refusal(text);
    EXPECT_TRUE(found.starts_with("corrupt: ")) << found;
    EXPECT_NE(found.find(kManifestName), std::string::npos) << found;
  }
  std::string other = whole;
  other.replace(other.find("hadal-manifest-1"), 16, "hadal-manifest-9");
  EXPECT_TRUE(refusal(other).starts_with("unsupported: "));
}

TEST(Manifest, CheckNamesWhatIsMissing) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(error_of([&] {
                check_directory(directory.path());
              }).starts_with("not_found: "));
  testing::write_text(directory / kManifestName, manifest_json(sample()));
  const CheckResult result = check_directory(directory.path());
  std::string all;
  for (const std::string& problem : result.problems)
    all += problem + "\n";
  EXPECT_NE(all.find("config.json"), std::string::npos) << all;
  EXPECT_NE(all.find("model.safetensors"), std::string::npos) << all;
}

}  // namespace
}  // namespace hadal
