// The official parser of a finished completion. It accepts what a well-trained
// model writes and refuses everything else, so it is the oracle of the tolerant
// parser's tests, and no parser for a server (spec/text.md 3.2).
#pragma once

#include <string_view>

#include "hadal/chat.h"
#include "hadal/result.h"
#include "text/prompt_format.h"

namespace hadal {

// `text` is what follows the assistant header, with the end-of-sentence token.
// The messages of a Failure are the official ones. Call ids stay empty, and an
// argument marked as not a string is pasted as it is: the arguments may be no
// JSON.
Result<ChatAnswer> parse_strictly(
    std::string_view text, bool thinking, const PromptFormat& format);

}  // namespace hadal
