// Shards and their index: what belongs together, and what does not.
#include "checkpoint/checkpoint_files.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "checkpoint/safetensors_writer.h"
#include "checkpoint/testing/temporary_directory.h"

namespace hadal {
namespace {

using testing::error_of;
using testing::write_text;

void write_shard(
    const std::filesystem::path& path, std::vector<std::string> names) {
  std::vector<TensorDeclaration> tensors;
  for (const std::string& name : names)
    tensors.push_back({name, Dtype::u8, {2}});
  SafetensorsWriter writer(path, tensors);
  const std::vector<std::byte> data(2 * names.size());
  writer.write(data);
  writer.finish();
}

// A directory with two good shards; each test damages it.
class CheckpointFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write_shard(directory_ / "m-1.safetensors", {"a", "b"});
    write_shard(directory_ / "m-2.safetensors", {"c"});
    write_index(
        R"("c":"m-2.safetensors","a":"m-1.safetensors","b":"m-1.safetensors")");
  }
  void write_index(const std::string& entries) {
    write_text(
        directory_ / "model.safetensors.index.json",
        R"({"metadata":{"total_size":6,"other":[1,{"x":null}]},"weight_map":{)" +
            entries + "}}");
  }
  std::string verdict() const {
    return error_of([&] { CheckpointFiles files(directory_.path()); });
  }
  void expect(std::string_view code, std::string_view reason) const {
    const std::string message = verdict();
    EXPECT_TRUE(message.starts_with(code)) << message;
    EXPECT_NE(message.find(reason), std::string::npos) << message;
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(CheckpointFilesTest, ReadsAllShards) {
  const CheckpointFiles files(directory_.path());
  EXPECT_EQ(files.shards().size(), 2U);
  EXPECT_EQ(files.tensor_count(), 3);
  EXPECT_EQ(files.tensor_bytes(), 6U);
  EXPECT_EQ(files.shard_name(0), "m-1.safetensors");
  ASSERT_NE(files.find("c"), nullptr);
  EXPECT_EQ(files.find("c")->shard, 1U);
  EXPECT_EQ(files.find("d"), nullptr);
}

TEST_F(CheckpointFilesTest, ReadsASingleFile) {
  const testing::TemporaryDirectory directory;
  write_shard(directory / "model.safetensors", {"a"});
  EXPECT_EQ(CheckpointFiles(directory.path()).tensor_count(), 1);
}

TEST_F(CheckpointFilesTest, NothingThere) {
  std::filesystem::remove(directory_ / "model.safetensors.index.json");
  expect("not_found: ", "neither model.safetensors.index.json nor");
}

TEST_F(CheckpointFilesTest, MissingShard) {
  std::filesystem::remove(directory_ / "m-2.safetensors");
  expect("not_found: ", "m-2.safetensors: the file is missing");
}

TEST_F(CheckpointFilesTest, ShardWithoutAnIndexedTensor) {
  write_shard(directory_ / "m-1.safetensors", {"a"});
  expect("corrupt: ", R"(tensor "b" should be in m-1.safetensors)");
}

TEST_F(CheckpointFilesTest, TensorThatTheIndexMisses) {
  write_shard(directory_ / "m-2.safetensors", {"c", "d"});
  expect("corrupt: ", R"(m-2.safetensors: tensor "d" is not in)");
}

TEST_F(CheckpointFilesTest, TensorInAnotherShard) {
  write_shard(directory_ / "m-2.safetensors", {"c", "b"});
  expect("corrupt: ", R"(tensor "b" should be in m-1.safetensors by)");
}

TEST_F(CheckpointFilesTest, ShardsOutsideOfTheDirectory) {
  for (const char* name :
       {"../m-1.safetensors",
        "/m-1.safetensors",
        "",
        ".",
        "..",
        "a\\\\b",
        "m\\u0000"}) {
    write_index(R"("a":")" + std::string(name) + "\"");
    expect("corrupt: ", "expected a name in the same directory");
  }
}

TEST_F(CheckpointFilesTest, DamagedIndex) {
  const std::filesystem::path path =
      directory_ / "model.safetensors.index.json";
  const std::pair<const char*, const char*> cases[] = {
      {"", "the file is empty"},
      {"{", "no valid JSON"},
      {"{}", "expected an object \"weight_map\""},
      {R"({"weight_map":{}})", "expected an object \"weight_map\""},
      {R"({"x":{"weight_map":{"a":"m-1.safetensors"}}})", "expected an object"},
      {R"({"weight_map":{"a":1}})", R"("a" must name a file)"},
      {R"({"weight_map":{"a":["m"]}})", R"("a" must name a file)"},
      {R"({"weight_map":{"a":{}}})", R"("a" must name a file)"},
      {R"({"weight_map":{"a":"m","a":"m"}})", "a tensor stands there twice"},
      {R"({"weight_map":{"a":"m"},"weight_map":{"a":"m"}})",
       "weight_map stands there twice"}};
  for (const auto& [text, reason] : cases) {
    write_text(path, text);
    expect("corrupt: ", reason);
  }
}

TEST_F(CheckpointFilesTest, DamagedShardIsNamed) {
  std::filesystem::resize_file(directory_ / "m-1.safetensors", 90);
  expect("corrupt: ", "m-1.safetensors: ");
}

// Root may read every file, so a child process gives its rights away first.
TEST_F(CheckpointFilesTest, UnreadableFile) {
  constexpr uid_t kNobody = 65534;
  const auto verdict_without_rights = [this] {
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 ||
                             ::setresgid(kNobody, kNobody, kNobody) != 0 ||
                             ::setresuid(kNobody, kNobody, kNobody) != 0))
      std::cerr << "cannot become nobody";
    else
      std::cerr << verdict();
    std::_Exit(EXIT_SUCCESS);
  };
  using std::filesystem::perms;
  std::filesystem::permissions(
      directory_.path(),
      perms::owner_all | perms::others_read | perms::others_exec);
  std::filesystem::permissions(directory_ / "m-1.safetensors", perms::none);
  EXPECT_EXIT(
      verdict_without_rights(),
      ::testing::ExitedWithCode(EXIT_SUCCESS),
      "^io: .*m-1.safetensors: cannot open: Permission denied");
}

TEST_F(CheckpointFilesTest, DirectoryInPlaceOfAShard) {
  std::filesystem::remove(directory_ / "m-2.safetensors");
  std::filesystem::create_directory(directory_ / "m-2.safetensors");
  expect("io: ", "m-2.safetensors: cannot read: Is a directory");
}

}  // namespace
}  // namespace hadal
