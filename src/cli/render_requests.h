// Chat requests as a client would POST them, turned into prompts.
#pragma once

#include <iosfwd>

#include "hadal/chat.h"
#include "hadal/tokenizer.h"

namespace hadal::cli {

// For each line of `in` one line of `out`: {"prompt", "ids"}, or {"error"} when
// the request cannot be rendered. Empty lines are skipped. A request that fails
// does not end the others.
void render_requests(
    const Tokenizer& tokenizer,
    ModelRevision revision,
    std::istream& in,
    std::ostream& out);

}  // namespace hadal::cli
