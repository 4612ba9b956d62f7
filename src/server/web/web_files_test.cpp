// The embedded page is whole, and asks for nothing that is not in it.
#include "server/web/web_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace hadal {
namespace {

const std::filesystem::path kPage =
    std::filesystem::path(HADAL_SOURCE_DIR) / "src/server/web/page";

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string served_path(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name == "index.html" ? "/" : "/web/" + name;
}

TEST(WebFiles, HoldsEveryFileByteForByte) {
  std::set<std::string_view> etags;
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kPage)) {
    const WebFile* file = find_web_file(served_path(entry.path()));
    ASSERT_NE(file, nullptr) << entry.path();
    EXPECT_EQ(file->bytes, read(entry.path())) << entry.path();
    EXPECT_EQ(file->etag.size(), 34u);
    EXPECT_EQ(file->etag.front(), '"');
    EXPECT_EQ(file->etag.back(), '"');
    etags.insert(file->etag);
    ++files;
  }
  EXPECT_GT(files, 10u);
  EXPECT_EQ(etags.size(), files);
}

TEST(WebFiles, NamesTheContentTypes) {
  EXPECT_EQ(find_web_file("/")->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(
      find_web_file("/web/app.js")->content_type,
      "text/javascript; charset=utf-8");
  EXPECT_EQ(
      find_web_file("/web/style.css")->content_type, "text/css; charset=utf-8");
}

TEST(WebFiles, KnowsNoOtherPath) {
  for (const char* path :
       {"",
        "/web",
        "/web/",
        "/index.html",
        "/web/app.js/",
        "/web/../app.js",
        "/app.js",
        "/WEB/app.js",
        "//"}) {
    EXPECT_EQ(find_web_file(path), nullptr) << path;
  }
}

// Scripts, styles and imports: each is there, and none comes from elsewhere.
TEST(WebFiles, RefersToItselfOnly) {
  const std::regex reference(R"re((?:src=|href=|from |import )"([^"#]+)")re");
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kPage)) {
    const std::string text = read(entry.path());
    for (std::sregex_iterator it(text.begin(), text.end(), reference), end;
         it != end;
         ++it) {
      EXPECT_NE(find_web_file((*it)[1].str()), nullptr)
          << entry.path() << ": " << (*it)[1];
      ++found;
    }
  }
  EXPECT_GT(found, 20);
}

// Nothing makes HTML or code of a string, and no style stands in an attribute:
// the policy would refuse it.
TEST(WebFiles, MakesNoHtmlOfStrings) {
  const std::regex forbidden(
      R"(innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|setHTML|<script>| style=| on[a-z]+=")");
  for (const auto& entry : std::filesystem::directory_iterator(kPage)) {
    const std::string text = read(entry.path());
    std::smatch match;
    EXPECT_FALSE(std::regex_search(text, match, forbidden))
        << entry.path() << ": " << match[0];
  }
}

}  // namespace
}  // namespace hadal
