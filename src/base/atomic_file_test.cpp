#include "base/atomic_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "hadal/error.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "hadal-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  int64_t files() const {
    return std::distance(fs::directory_iterator(folder_), {});
  }

  fs::path folder_;
};

TEST_F(AtomicFileTest, ReplacesAtCommitOnly) {
  const fs::path path = folder_ / "state";
  std::ofstream(path) << "old";
  AtomicFile file(path);
  file.write("new ");
  file.write("text");
  EXPECT_EQ(read(path), "old");
  file.commit();
  EXPECT_EQ(read(path), "new text");
  EXPECT_EQ(files(), 1);
}

TEST_F(AtomicFileTest, LeavesNothingWithoutCommit) {
  {
    AtomicFile file(folder_ / "state");
    file.write("text");
  }
  EXPECT_EQ(files(), 0);
}

TEST_F(AtomicFileTest, RemovesWhatKilledProcessesLeft) {
  const fs::path path = folder_ / "state";
  std::ofstream(path) << "kept";
  std::ofstream(folder_ / "state.part-a1B2c3") << "left";
  std::ofstream(folder_ / "state.part-a1B2c") << "another name";
  std::ofstream(folder_ / "estate.part-a1B2c3") << "another file";
  AtomicFile::remove_abandoned(path);
  EXPECT_EQ(files(), 3);
  EXPECT_FALSE(fs::exists(folder_ / "state.part-a1B2c3"));
  AtomicFile::remove_abandoned(folder_ / "no" / "state");
}

TEST_F(AtomicFileTest, NamesAFolderThatIsNotThere) {
  const fs::path path = folder_ / "no" / "state";
  try {
    AtomicFile file(path);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(std::string(error.what()).find(path), std::string::npos);
  }
}

}  // namespace
}  // namespace hadal
