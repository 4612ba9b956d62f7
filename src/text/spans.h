// Building and joining spans (hadal/spans.h).
#pragma once

#include <string>
#include <string_view>

#include "hadal/spans.h"

namespace hadal {

// Adds text at the end; it joins the last span when that has equal trust.
// Empty text adds nothing.
inline void append(Spans& spans, std::string_view text, bool trusted) {
  if (text.empty())
    return;
  if (!spans.empty() && spans.back().trusted == trusted)
    spans.back().text += text;
  else
    spans.push_back({std::string(text), trusted});
}

// The whole text, without the marks of trust.
inline std::string joined(const Spans& spans) {
  size_t bytes = 0;
  for (const TextSpan& span : spans)
    bytes += span.text.size();
  std::string text;
  text.reserve(bytes);
  for (const TextSpan& span : spans)
    text += span.text;
  return text;
}

}  // namespace hadal
