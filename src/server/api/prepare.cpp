// Render, encode, check, fill in.
#include "server/api/prepare.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "server/api/bad_words.h"
#include "server/api/replay_store.h"
#include "text/render_request.h"
#include "text/spans.h"

namespace hadal {
namespace {

// Where other prompts branch off: behind the system text, which ends at the
// first user token, and before the last thinking tag, which follows the last
// assistant token.
std::vector<int64_t> branch_points(
    const std::vector<int32_t>& ids, const ControlTokens& control) {
  std::vector<int64_t> points;
  auto size = static_cast<int64_t>(ids.size());
  auto user = std::find(ids.begin(), ids.end(), control.user);
  auto system_end = static_cast<int64_t>(user - ids.begin());
  // A prompt without system text has the first token alone there.
  if (user != ids.end() && system_end > 1)
    points.push_back(system_end);
  auto assistant = std::find(ids.rbegin(), ids.rend(), control.assistant);
  auto answer = static_cast<int64_t>(ids.rend() - assistant);
  if (answer > system_end && answer < size)
    points.push_back(answer);
  return points;
}

// A part of the request that all its choices have in common.
EngineRequest common_request(
    std::vector<int32_t> prompt,
    const GenerationFields& fields,
    const ServedModel& served) {
  EngineRequest request;
  int64_t room = served.info.context - static_cast<int64_t>(prompt.size());
  int64_t wanted =
      fields.max_tokens >= 0 ? fields.max_tokens : served.max_tokens;
  request.max_tokens = wanted < 0 ? room : std::min(wanted, room);
  request.min_tokens = std::min(fields.min_tokens, request.max_tokens);
  request.prompt = std::move(prompt);
  request.sampling = fields.sampling;
  if (!fields.ignore_eos)
    request.end_tokens = served.control.end_tokens;
  for (int32_t id : fields.stop_token_ids)
    if (std::find(request.end_tokens.begin(), request.end_tokens.end(), id) ==
        request.end_tokens.end())
      request.end_tokens.push_back(id);
  request.greedy_markup = served.greedy_markup;
  request.use_cache = fields.use_cache;
  request.client = fields.client;
  if (served.max_request_seconds > 0)
    request.deadline =
        std::chrono::steady_clock::now() +
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            std::chrono::duration<double>(served.max_request_seconds));
  return request;
}

std::optional<ApiError> check_fields(const GenerationFields& fields) {
  if (fields.max_tokens >= 0 && fields.min_tokens > fields.max_tokens) {
    ApiError error;
    error.message = fmt::format(
        "min_tokens: {} is more than the maximum of {} tokens",
        fields.min_tokens,
        fields.max_tokens);
    error.param = "min_tokens";
    return error;
  }
  return std::nullopt;
}

ReasoningRules reasoning_rules(
    const ChatParserOptions& parser,
    const GenerationFields& fields,
    const ServedModel& served) {
  ReasoningRules rules;
  rules.starts_inside = parser.start == ChatParserOptions::Start::reasoning;
  rules.end = served.control.think_close;
  rules.max_tokens = fields.max_thinking_tokens >= 0
                         ? fields.max_thinking_tokens
                         : served.max_thinking_tokens;
  rules.forced = served.control.forced_think_close;
  return rules;
}

std::unique_ptr<TokenConstraint> without_bad_words(
    std::unique_ptr<TokenConstraint> inner,
    const GenerationFields& fields,
    const ServedModel& served) {
  if (fields.bad_words.empty())
    return inner;
  return std::make_unique<BadWordsConstraint>(
      bad_word_sequences(fields.bad_words, served.tokenizer),
      served.tokenizer.size(),
      std::move(inner));
}

// `count` choices of one request; the constraint is cloned.
std::vector<ChoiceRequest> repeated(
    const EngineRequest& common,
    std::unique_ptr<TokenConstraint> constraint,
    const ChoiceRequest& choice,
    int count) {
  std::vector<ChoiceRequest> choices;
  for (int i = 0; i < count; ++i) {
    ChoiceRequest one;
    one.raw = choice.raw;
    one.parser = choice.parser;
    one.tools = choice.tools;
    one.engine.prompt = common.prompt;
    one.engine.sampling = common.sampling;
    if (common.sampling.seed)
      one.engine.sampling.seed =
          *common.sampling.seed + static_cast<uint64_t>(i);
    one.engine.max_tokens = common.max_tokens;
    one.engine.min_tokens = common.min_tokens;
    one.engine.end_tokens = common.end_tokens;
    one.engine.reasoning = common.reasoning;
    if (constraint)
      one.engine.constraint = constraint->clone();
    one.engine.greedy_markup = common.greedy_markup;
    one.engine.keep_at = common.keep_at;
    one.engine.use_cache = common.use_cache;
    one.engine.client = common.client;
    one.engine.deadline = common.deadline;
    choices.push_back(std::move(one));
  }
  return choices;
}

ConstraintDemand demand_of(
    const ChatRequest& request, const ChatParserOptions& parser) {
  ConstraintDemand demand;
  demand.answer_format = request.answer_format;
  demand.tools = request.tools;
  demand.tool_choice = request.tool_choice;
  demand.parallel_tool_calls = request.parallel_tool_calls;
  demand.start = parser.start;
  if (request.continues_last &&
      parser.start == ChatParserOptions::Start::content)
    demand.continued_text = request.messages.back().content;
  return demand;
}

}  // namespace

bool demands_constraint(const ConstraintDemand& demand) {
  if (demand.answer_format.kind != AnswerFormat::Kind::any ||
      demand.tool_choice == ToolChoice::required ||
      demand.tool_choice == ToolChoice::named)
    return true;
  for (const JsonValue& tool : demand.tools) {
    const JsonValue* strict = tool.find("strict");
    if (strict != nullptr && strict->is_boolean() && strict->as_boolean())
      return true;
  }
  return false;
}

std::optional<ApiError> check_context(
    int64_t prompt_tokens, const ServedModel& served, std::string param) {
  if (prompt_tokens + 1 <= served.info.context)
    return std::nullopt;
  ApiError error;
  error.message = fmt::format(
      "the prompt has {} tokens, but the context of this model has {}, and at "
      "least one must be left for the answer; shorten the conversation",
      prompt_tokens,
      served.info.context);
  error.param = std::move(param);
  error.code = "context_length_exceeded";
  error.numbers = {
      {"n_prompt_tokens", prompt_tokens}, {"n_ctx", served.info.context}};
  return error;
}

ApiResult<EncodedPrompt> encode_chat_request(
    ChatRequest request, const ServedModel& served) {
  if (served.replay != nullptr)
    served.replay->restore(request.messages);
  Result<RenderedPrompt> rendered =
      render_chat_request(request, served.request);
  if (!rendered.has_value())
    return api_error(rendered.error());
  for (const std::string& warning : rendered->warnings)
    log(LogLevel::info, "server", "{}", warning);
  EncodedPrompt prompt;
  prompt.ids = served.tokenizer.encode(rendered->spans);
  prompt.text = joined(rendered->spans);
  prompt.parser = std::move(rendered->parser);
  prompt.thinking = rendered->thinking;
  prompt.level = std::move(rendered->level);
  return prompt;
}

ApiResult<PreparedChat> prepare_chat(
    ChatRequest request,
    const GenerationFields& fields,
    const ServedModel& served) {
  if (std::optional<ApiError> error = check_fields(fields))
    return *error;
  ApiResult<EncodedPrompt> prompt = encode_chat_request(request, served);
  if (!prompt.has_value())
    return prompt.error();
  PreparedChat prepared;
  prepared.prompt_tokens = static_cast<int64_t>(prompt->ids.size());
  prepared.thinking = prompt->thinking;
  prepared.level = prompt->level;
  if (auto error = check_context(prepared.prompt_tokens, served, "messages"))
    return *error;

  ChoiceRequest choice;
  choice.parser = std::move(prompt->parser);
  choice.parser.make_call_id = fields.make_call_id;
  if (!choice.parser.make_call_id)
    choice.parser.make_call_id = [make = served.sources.make_id] {
      return make("call_");
    };
  choice.tools = request.tools;
  std::vector<int64_t> keep_at = branch_points(prompt->ids, served.control);
  EngineRequest common = common_request(std::move(prompt->ids), fields, served);
  common.reasoning = reasoning_rules(choice.parser, fields, served);
  common.keep_at = std::move(keep_at);

  std::unique_ptr<TokenConstraint> constraint;
  ConstraintDemand demand = demand_of(request, choice.parser);
  if (served.constraints != nullptr && demands_constraint(demand)) {
    Result<std::unique_ptr<TokenConstraint>> made =
        served.constraints->make(demand);
    if (!made.has_value())
      return api_error(made.error());
    constraint = std::move(*made);
    // The grammar ends with it, whatever the client ignores.
    if (fields.ignore_eos)
      common.end_tokens.push_back(served.control.eos);
  }
  prepared.choices = repeated(
      common,
      without_bad_words(std::move(constraint), fields, served),
      choice,
      fields.choices);
  return prepared;
}

ApiResult<std::vector<ChoiceRequest>> prepare_raw(
    std::vector<int32_t> prompt,
    std::vector<std::string> stop,
    const GenerationFields& fields,
    const ServedModel& served) {
  if (std::optional<ApiError> error = check_fields(fields))
    return *error;
  auto prompt_tokens = static_cast<int64_t>(prompt.size());
  if (auto error = check_context(prompt_tokens, served, "prompt"))
    return *error;
  ChoiceRequest choice;
  choice.raw = true;
  choice.parser.stop = std::move(stop);
  EngineRequest common = common_request(std::move(prompt), fields, served);
  return repeated(
      common,
      without_bad_words(nullptr, fields, served),
      choice,
      fields.choices);
}

}  // namespace hadal
