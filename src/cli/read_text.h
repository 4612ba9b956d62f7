// Text from files and from standard input.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hadal::cli {

// The whole text of a file, "-" being standard input. Throws Error: not_found
// or io with the path, invalid_argument when it is longer than kMaxPromptBytes.
std::string read_text(const std::filesystem::path& path);

// Throws Error(invalid_argument) that names the first bad byte when `text` is
// not UTF-8; `what` says where the text comes from.
void require_utf8(std::string_view text, std::string_view what);

}  // namespace hadal::cli
