// From a request's body to the call, with errors in the client's own words.
#include "server/api/messages.h"

#include "server/api/field_names.h"
#include "server/api/json_text.h"
#include "server/api/messages_call.h"
#include "server/api/messages_request.h"
#include "server/api/prepare.h"
#include "text/request_fields.h"

namespace hadal {
namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 40;

ApiError in_own_words(ApiError error) {
  return renamed(
      std::move(error),
      {{"response_format.json_schema.schema", "output_config.format.schema"},
       {"response_format", "output_config.format"}});
}

GenerationFields read_fields(
    const JsonValue& body, const HttpRequest& http, const ServedModel& served) {
  GenerationFields fields = read_generation_fields(body, http, served);
  auto tokens = integer_field(body, "", "max_tokens", 1, kMaxTokens);
  if (!tokens)
    refuse("max_tokens", "this API requires it");
  fields.max_tokens = *tokens;
  fields.make_call_id = [make = served.sources.make_id] {
    return make("toolu_");
  };
  return fields;
}

}  // namespace

ApiResult<std::unique_ptr<ApiCall>> read_messages(
    const JsonValue& body, const HttpRequest& http, const ServedModel& served) {
  struct Read {
    MessagesRequest request;
    GenerationFields fields;
  };
  auto read = reading<Read>([&] {
    Read both;
    both.fields = read_fields(body, http, served);
    both.request = read_messages_request(body, served);
    return both;
  });
  if (!read.has_value())
    return read.error();
  MessagesRequest& request = read->request;
  ApiResult<PreparedChat> prepared =
      prepare_chat(std::move(request.chat), read->fields, served);
  if (!prepared.has_value())
    return with_tool_paths(
        in_own_words(prepared.error()), request.tool_paths, "input_schema");
  MessagesSettings settings;
  settings.id = served.sources.make_id("msg_");
  settings.model = std::move(request.model);
  settings.stream = request.stream;
  settings.hide_thinking = request.hide_thinking;
  std::unique_ptr<ApiCall> call =
      std::make_unique<MessagesCall>(std::move(settings));
  call->choices = std::move(prepared->choices);
  return call;
}

ApiResult<std::string> count_message_tokens(
    const JsonValue& body, const ServedModel& served) {
  auto request = reading<MessagesRequest>(
      [&] { return read_messages_request(body, served); });
  if (!request.has_value())
    return request.error();
  ApiResult<EncodedPrompt> prompt =
      encode_chat_request(std::move(request->chat), served);
  if (!prompt.has_value())
    return in_own_words(prompt.error());
  return JsonText()
      .integer("input_tokens", static_cast<int64_t>(prompt->ids.size()))
      .object();
}

}  // namespace hadal
