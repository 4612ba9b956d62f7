// The pattern syntax of JSON Schema: the part of ECMA 262 that is regular and
// on which dialects agree.
#pragma once

#include <string_view>

#include "generation/grammar/regex.h"

namespace hadal {

// Literals, ., classes, \d \w \s and negations, groups (also named and
// non-capturing), |, * + ? {m} {m,} {m,n} (a following ? changes nothing), ^,
// $, escapes \n \r \t \f \v \0 \xHH \uHHHH \u{H...} and of punctuation.
//
// Throws GrammarRefusal, which says where, for look-around, back-references,
// \b, \p and for what is no pattern.
Regex parse_pattern(std::string_view pattern);

}  // namespace hadal
