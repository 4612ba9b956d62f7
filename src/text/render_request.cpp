// Request -> encoder options -> spans, and the parser's options that fit.
#include "text/render_request.h"

#include "text/prompt_encoder.h"

namespace hadal {
namespace {

bool forces_call(const ChatRequest& request) {
  return request.tool_choice == ToolChoice::required ||
         request.tool_choice == ToolChoice::named;
}

EncodeOptions encode_options(
    const ChatRequest& request, const RequestOptions& options) {
  EncodeOptions encode;
  encode.revision = options.revision;
  encode.thinking = request.thinking;
  encode.effort = request.effort_word;
  encode.drop_thinking = !request.preserve_thinking;
  encode.special_in_content = request.special_in_content;
  encode.escape_tool_results = options.escape_tool_results;
  encode.separate_assistants = true;
  encode.generation_header = request.generation_header;
  encode.open_tool_block = forces_call(request) && !request.thinking;
  return encode;
}

ChatParserOptions parser_options(
    const ChatRequest& request, const RequestOptions& options) {
  using Start = ChatParserOptions::Start;
  ChatParserOptions parser;
  parser.start = request.thinking ? Start::reasoning : Start::content;
  if (request.continues_last) {
    const ChatMessage& last = request.messages.back();
    bool has_text = !last.content.empty() || !last.reasoning.empty();
    parser.continues_text = has_text;
    if (last.end == TurnEnd::open)
      parser.start = Start::content;
  }
  if (forces_call(request) && !request.thinking)
    parser.start = Start::tool_block;
  parser.tools_offered = !request.tools.empty();
  parser.coerce_arguments = options.coerce_arguments;
  parser.single_call = !request.parallel_tool_calls;
  parser.stop = request.stop;
  return parser;
}

}  // namespace

Result<RenderedPrompt> render_chat_request(
    const ChatRequest& request, const RequestOptions& options) {
  Result<Spans> spans =
      encode_prompt(request.messages, encode_options(request, options));
  if (!spans.has_value())
    return spans.error();
  RenderedPrompt rendered;
  rendered.spans = std::move(*spans);
  rendered.parser = parser_options(request, options);
  rendered.tools = request.tools;
  rendered.thinking = request.thinking;
  rendered.level = request.level;
  rendered.force_tool_call = forces_call(request);
  rendered.answer_format = request.answer_format;
  rendered.warnings = request.warnings;
  return rendered;
}

Result<RenderedPrompt> render_request(
    std::string_view json, const RequestOptions& options) {
  Result<JsonValue> value = parse_json(json);
  if (!value.has_value())
    return value.error();
  Result<ChatRequest> request = read_chat_request(*value, options);
  if (!request.has_value())
    return request.error();
  return render_chat_request(*request, options);
}

}  // namespace hadal
