// The embedded page is whole, and asks for nothing that is not in it.
#include "server/web/web_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

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
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kPage)) {
    const std::string text = read(entry.path());
    for (const std::string_view before :
         {"src=\"", "href=\"", "from \"", "import \""}) {
      for (size_t at = text.find(before); at != std::string::npos;
           at = text.find(before, at + 1)) {
        const size_t begin = at + before.size();
        const std::string path =
            text.substr(begin, text.find_first_of("\"#", begin) - begin);
        if (path.empty())
          continue;  // a place within the page
        EXPECT_NE(find_web_file(path), nullptr) << entry.path() << ": " << path;
        ++found;
      }
    }
  }
  EXPECT_GT(found, 20);
}

// Is there an attribute such as onclick="..." in the text?
bool has_event_attribute(std::string_view text) {
  for (size_t at = text.find(" on"); at != std::string_view::npos;
       at = text.find(" on", at + 1)) {
    const size_t end =
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyz", at + 3);
    if (end != std::string_view::npos && end > at + 3 &&
        text.substr(end, 2) == "=\"")
      return true;
  }
  return false;
}

// Nothing makes HTML or code of a string, and no style stands in an attribute:
// the policy would refuse it.
TEST(WebFiles, MakesNoHtmlOfStrings) {
  EXPECT_TRUE(has_event_attribute("<a onclick=\"x\">"));
  for (const auto& entry : std::filesystem::directory_iterator(kPage)) {
    const std::string text = read(entry.path());
    for (const char* forbidden :
         {"innerHTML",
          "outerHTML",
          "insertAdjacentHTML",
          "document.write",
          " eval(",
          "new Function",
          "DOMParser",
          "setHTML",
          "<script>",
          " style="})
      EXPECT_EQ(text.find(forbidden), std::string::npos)
          << entry.path() << ": " << forbidden;
    EXPECT_FALSE(has_event_attribute(text)) << entry.path();
  }
}

}  // namespace
}  // namespace hadal
