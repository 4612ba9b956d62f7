// From a request's body to the call, with errors in the client's own words.
#include "server/api/responses.h"

#include "server/api/field_names.h"
#include "server/api/json_text.h"
#include "server/api/prepare.h"
#include "server/api/responses_request.h"
#include "server/api/responses_truncation.h"
#include "text/request_fields.h"

namespace hadal {
namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 40;

ApiError in_own_words(ApiError error) {
  return renamed(
      std::move(error),
      {{"messages", "input"},
       {"response_format.json_schema.schema", "text.format.schema"},
       {"response_format", "text.format"},
       {"max_tokens", "max_output_tokens"}});
}

// Where each function that is offered stands in the request.
std::vector<std::string> tool_paths(const ResponsesRequest& request) {
  std::vector<std::string> paths;
  for (const JsonValue& function : request.chat.tools)
    paths.push_back(
        request.settings.tools.by_name.find(function.find("name")->as_string())
            ->second.path);
  return paths;
}

GenerationFields read_fields(
    const JsonValue& body,
    const HttpRequest& http,
    const ServedModel& served,
    ResponseForms& forms) {
  GenerationFields fields = read_generation_fields(body, http, served);
  if (auto tokens = integer_field(body, "", "max_output_tokens", 1, kMaxTokens))
    fields.max_tokens = *tokens;
  auto top =
      integer_field(body, "", "top_logprobs", 0, served.limits.max_logprobs);
  forms.logprobs = forms.logprobs || top.value_or(0) > 0;
  if (forms.logprobs)
    fields.sampling.logprobs = static_cast<int>(top.value_or(0));
  return fields;
}

}  // namespace

ApiResult<std::unique_ptr<ApiCall>> read_responses(
    const JsonValue& body,
    const HttpRequest& http,
    const ServedModel& served,
    const OwnResponses& store) {
  struct Read {
    ResponsesRequest request;
    GenerationFields fields;
    bool truncates = false;
  };
  auto read = reading<Read>([&] {
    Read both;
    both.request = read_responses_request(body, served, store);
    both.fields = read_fields(body, http, served, both.request.settings.forms);
    both.truncates = read_truncation(body);
    both.request.settings.echo =
        response_echo(body, both.fields.sampling, both.request.chat.level);
    return both;
  });
  if (!read.has_value())
    return read.error();
  ResponsesRequest& request = read->request;
  std::vector<std::string> paths = tool_paths(request);
  ApiResult<PreparedChat> prepared =
      read->truncates
          ? prepare_truncated(request.chat, read->fields, served)
          : prepare_chat(std::move(request.chat), read->fields, served);
  if (!prepared.has_value())
    return with_tool_paths(in_own_words(prepared.error()), paths, "parameters");
  request.settings.id = served.sources.make_id("resp_");
  request.settings.created = served.sources.unix_seconds();
  std::unique_ptr<ApiCall> call = std::make_unique<ResponsesCall>(
      std::move(request.settings), served, store);
  call->choices = std::move(prepared->choices);
  return call;
}

ApiResult<std::string> count_response_tokens(
    const JsonValue& body,
    const ServedModel& served,
    const OwnResponses& store) {
  auto request = reading<ResponsesRequest>(
      [&] { return read_responses_request(body, served, store); });
  if (!request.has_value())
    return request.error();
  ApiResult<EncodedPrompt> prompt =
      encode_chat_request(std::move(request->chat), served);
  if (!prompt.has_value())
    return in_own_words(prompt.error());
  JsonText json;
  json.text("object", "response.input_tokens")
      .integer("input_tokens", static_cast<int64_t>(prompt->ids.size()));
  return json.object();
}

}  // namespace hadal
