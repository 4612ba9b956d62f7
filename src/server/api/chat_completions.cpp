// Reading a chat request.
#include "server/api/chat_completions.h"

#include "server/api/chat_writer.h"
#include "server/api/prepare.h"

namespace hadal {
namespace {

// logprobs (a switch) and top_logprobs -> SamplingOptions::logprobs.
int read_logprobs(const JsonValue& body, const ServedModel& served) {
  bool wanted = bool_field(body, "", "logprobs").value_or(false);
  auto top =
      integer_field(body, "", "top_logprobs", 0, served.limits.max_logprobs);
  if (!wanted && top.value_or(0) > 0)
    refuse("top_logprobs", "it needs \"logprobs\": true");
  return wanted ? static_cast<int>(top.value_or(0)) : -1;
}

}  // namespace

ApiResult<std::unique_ptr<ApiCall>> read_chat_completions(
    const JsonValue& body, const HttpRequest& http, const ServedModel& served) {
  using Call = std::unique_ptr<ApiCall>;
  try {
    RequestOptions request_options = served.request;
    request_options.max_choices = served.limits.max_choices;
    Result<ChatRequest> request = read_chat_request(body, request_options);
    if (!request.has_value())
      return api_error(request.error());
    AnswerOptions options = read_answer_options(body, served, "chatcmpl-");
    GenerationFields fields = read_generation_fields(body, http, served);
    fields.max_tokens = read_max_tokens(body);
    fields.choices = read_choices(body, served);
    fields.sampling.logprobs = read_logprobs(body, served);
    options.logprobs = fields.sampling.logprobs >= 0;

    ApiResult<PreparedChat> prepared =
        prepare_chat(std::move(*request), fields, served);
    if (!prepared.has_value())
      return prepared.error();
    for (ChoiceRequest& choice : prepared->choices)
      choice.wants_tokens = options.return_tokens ||
                            options.timings_per_token ||
                            options.continuous_usage;
    bool thinking = prepared->thinking;
    return Call(std::make_unique<ChatWriter>(
        std::move(options), std::move(prepared->choices), thinking, served));
  } catch (const RequestError& error) {
    return api_error(error.failure);
  }
}

}  // namespace hadal
