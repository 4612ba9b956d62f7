// Names from files in messages.
#pragma once

#include <string>
#include <string_view>

namespace hadal {

// `text` in quotes, control characters as \xNN and long text cut in the middle:
// a damaged file must not write to the user's terminal what it likes.
std::string in_quotes(std::string_view text);

}  // namespace hadal
