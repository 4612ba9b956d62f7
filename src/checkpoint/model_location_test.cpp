#include "checkpoint/model_location.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>

#include "hadal/error.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;

// A cache with one repository, org/name, whose main is commit "abc".
class ModelLocationTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "hadal-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    for (const char* variable :
         {"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HADAL_MODEL"})
      ::unsetenv(variable);
    ::setenv("HOME", folder_.c_str(), 1);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static void make_repository(const fs::path& hub) {
    const fs::path repository = hub / "models--org--name";
    fs::create_directories(repository / "refs");
    fs::create_directories(repository / "snapshots" / "abc");
    fs::create_directories(repository / "snapshots" / "old");
    std::ofstream(repository / "refs" / "main") << "abc";
  }

  static std::string message_of(std::string_view name) {
    try {
      return "found " + find_model(name).string();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::not_found);
      return error.what();
    }
  }

  fs::path folder_;
};

TEST_F(ModelLocationTest, ADirectoryIsItself) {
  EXPECT_EQ(find_model(folder_.string()), folder_);
}

TEST_F(ModelLocationTest, FindsTheMainSnapshotInEachPlace) {
  const fs::path snapshot = "models--org--name/snapshots/abc";
  make_repository(folder_ / ".cache/huggingface/hub");
  EXPECT_EQ(
      find_model("org/name"), folder_ / ".cache/huggingface/hub" / snapshot);
  make_repository(folder_ / "xdg/huggingface/hub");
  ::setenv("XDG_CACHE_HOME", (folder_ / "xdg").c_str(), 1);
  EXPECT_EQ(find_model("org/name"), folder_ / "xdg/huggingface/hub" / snapshot);
  make_repository(folder_ / "home/hub");
  ::setenv("HF_HOME", (folder_ / "home").c_str(), 1);
  EXPECT_EQ(find_model("org/name"), folder_ / "home/hub" / snapshot);
  make_repository(folder_ / "cache");
  ::setenv("HF_HUB_CACHE", (folder_ / "cache").c_str(), 1);
  EXPECT_EQ(find_model("org/name"), folder_ / "cache" / snapshot);
}

TEST_F(ModelLocationTest, TheOnlySnapshotDoesWithoutAReference) {
  make_repository(folder_ / ".cache/huggingface/hub");
  const fs::path repository =
      folder_ / ".cache/huggingface/hub/models--org--name";
  fs::remove_all(repository / "refs");
  EXPECT_NE(message_of("org/name").find("hf download"), std::string::npos);
  fs::remove_all(repository / "snapshots" / "old");
  EXPECT_EQ(find_model("org/name"), repository / "snapshots" / "abc");
}

TEST_F(ModelLocationTest, SaysWhichCommandDownloads) {
  const std::string message = message_of("org/name");
  EXPECT_NE(message.find("hf download org/name"), std::string::npos) << message;
  EXPECT_NE(message.find("models--org--name"), std::string::npos) << message;
}

TEST_F(ModelLocationTest, RefusesPathsThatAreNotThere) {
  for (const char* name : {"./a/b", "/a/b", "~/a", "a", "a/b/c", "a/", "/"}) {
    if (fs::is_directory(name))
      continue;
    const std::string message = message_of(name);
    EXPECT_NE(message.find("no such directory"), std::string::npos) << message;
    EXPECT_EQ(message.find("hf download"), std::string::npos) << message;
  }
  std::ofstream(folder_ / "file") << "x";
  EXPECT_NE(
      message_of((folder_ / "file").string()).find("found a file"),
      std::string::npos);
}

TEST_F(ModelLocationTest, TheVariableStandsInForNoName) {
  EXPECT_TRUE(fs::exists(find_model("") / "model.safetensors.index.json"));
  ::setenv("HADAL_MODEL", folder_.c_str(), 1);
  EXPECT_EQ(find_model(""), folder_);
  ::setenv("HADAL_MODEL", "org/name", 1);
  EXPECT_NE(message_of("").find("hf download org/name"), std::string::npos);
}

}  // namespace
}  // namespace hadal
