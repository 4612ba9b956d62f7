// From the text of a chat request to the prompt: what `tokenize --render` and
// the server call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hadal/chat.h"
#include "hadal/result.h"
#include "hadal/spans.h"
#include "text/chat_request.h"

namespace hadal {

struct RenderedPrompt {
  Spans spans;
  // How to parse the answer. The tools stand beside it, already read.
  ChatParserOptions parser;
  std::vector<JsonValue> tools;

  bool thinking = true;
  std::string level;  // "high", ...; "none" when thinking is off
  // A call must come after the reasoning, by constrained decoding. In chat mode
  // the prompt itself already opens the block.
  bool force_tool_call = false;
  // To be enforced after the reasoning by a grammar.
  AnswerFormat answer_format;
  std::vector<std::string> warnings;
};

// Reads and renders one request. The Failure's field is the path of what is
// wrong; it is empty when the text is no JSON at all.
Result<RenderedPrompt> render_request(
    std::string_view json, const RequestOptions& options = {});

// The same for a request that has been read.
Result<RenderedPrompt> render_chat_request(
    const ChatRequest& request, const RequestOptions& options);

}  // namespace hadal
