// Text whose parts differ in trust: what a rendered prompt is made of.
#pragma once

#include <string>
#include <vector>

namespace hadal {

// A stretch of UTF-8 text. Trusted text is written by the prompt template, and
// control tokens may be recognised in it; everything else (what users, tools
// and clients supply) stays plain text whatever it spells.
struct TextSpan {
  std::string text;
  bool trusted = false;

  bool operator==(const TextSpan&) const = default;
};

// The text is the concatenation of the spans: a border has no meaning besides
// the change of trust, and may even cut a UTF-8 character.
using Spans = std::vector<TextSpan>;

}  // namespace hadal
