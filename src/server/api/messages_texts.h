// Texts in a Messages request: the system text, and blocks that hold text in
// one form or another. All throw RequestError.
#pragma once

#include <string>
#include <string_view>

#include "text/json_value.h"

namespace hadal {

// The `system` field: a string or text blocks, joined with an empty line
// between. A first block with Claude Code's billing header, which changes with
// every request and would spoil every saved prefix, is left out if
// `strip_billing`.
std::string read_system(const JsonValue& body, bool strip_billing);

// The text of a text, document or search_result block at `path`; other kinds
// become "[Unsupported TYPE]".
std::string plain_block(
    const JsonValue& block, const std::string& type, const std::string& path);
// The texts of an array of such blocks, with an empty line between.
std::string blocks_text(const JsonValue& list, const std::string& path);

std::string required_type(const JsonValue& block, const std::string& path);
std::string required_text(
    const JsonValue& object, const std::string& path, std::string_view key);

// Adds `more` after an empty line, unless either is empty.
void append_text(std::string& text, std::string_view more);

}  // namespace hadal
