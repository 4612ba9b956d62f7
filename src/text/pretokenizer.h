// Cuts text into the pieces within which byte pairs are merged: the three Split
// patterns of tokenizer.json, by hand instead of by regular expressions (the
// scanner of spec/text.md 1.3).
#pragma once

#include <cstddef>
#include <string_view>

namespace hadal {

// The patterns that first_piece() implements, in their order. A tokenizer file
// with others must be refused.
inline constexpr std::string_view kSplitPatterns[] = {
    R"(\p{N}{1,3})",
    "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|)"
    "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
    " ?[\\p{P}\\p{S}]+[\r\n]*|"
    "\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
};

// Bytes of the first piece of `text`, which is valid UTF-8 and not empty. The
// pieces of a text are found by calling again on what remains: a piece depends
// only on the text from its start on. Time is linear in the bytes looked at,
// and all pieces of a text together look at each byte at most a few times.
size_t first_piece(std::string_view text);

}  // namespace hadal
