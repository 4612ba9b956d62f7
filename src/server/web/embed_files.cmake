# Writes a C++ table of files: cmake -DFILES=a;b -DOUT=x.cpp -P embed_files.cmake
# Each becomes an array of bytes with its content type and a hash as its ETag.
set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_svg "image/svg+xml")

set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  get_filename_component(extension "${file}" LAST_EXT)
  string(SUBSTRING "${extension}" 1 -1 extension)
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "embed_files: no content type for ${file}")
  endif()
  set(path "/web/${name}")
  if(name STREQUAL "index.html")
    set(path "/")
  endif()
  file(READ "${file}" hex HEX)
  file(SHA256 "${file}" hash)
  string(SUBSTRING "${hash}" 0 32 hash)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "const unsigned char kFile${number}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${path}\", {\"${type_${extension}}\", view(kFile${number}), \"\\\"${hash}\\\"\"}},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE "${OUT}" "// Made by embed_files.cmake.
#include \"server/web/web_files.h\"

#include <cstddef>
#include <utility>

namespace hadal {
namespace {

${arrays}
template <size_t size>
std::string_view view(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size};
}

const std::pair<std::string_view, WebFile> kFiles[] = {
${rows}};

}  // namespace

const WebFile* find_web_file(std::string_view path) {
  for (const auto& [name, file] : kFiles) {
    if (name == path) return &file;
  }
  return nullptr;
}

std::vector<std::string> web_file_paths() {
  std::vector<std::string> paths;
  for (const auto& [name, file] : kFiles) paths.emplace_back(name);
  return paths;
}

}  // namespace hadal
")
