// From tokens to events.
#include "server/api/choice_stream.h"

#include "base/log.h"
#include "text/prompt_format.h"
#include "text/prompt_sections.h"

namespace hadal {
namespace {

using Start = ChatParserOptions::Start;

std::vector<ChatEvent> content(std::string text) {
  if (text.empty())
    return {};
  ChatEvent event;
  event.text = std::move(text);
  return {std::move(event)};
}

double seconds_between(
    std::chrono::steady_clock::time_point from,
    std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

ChoiceStream::ChoiceStream(
    size_t choice,
    ChoiceRequest& request,
    std::shared_ptr<AnswerMailbox> mailbox,
    const ServedModel& served,
    ServiceMetrics& metrics)
    : choice_(choice),
      mailbox_(std::move(mailbox)),
      served_(served),
      metrics_(metrics),
      wants_tokens_(
          request.wants_tokens || request.engine.sampling.logprobs >= 0),
      stops_(request.raw ? request.parser.stop : std::vector<std::string>{}),
      accepted_(Clock::now()) {
  if (request.raw)
    return;
  const ChatParserOptions& options = request.parser;
  // A turn that continues another is sent back as one text.
  records_ = served.replay != nullptr && options.tools_offered &&
             !options.continues_text;
  whole_block_ = !options.single_call;
  raw_in_reasoning_ = options.start == Start::reasoning;
  // The prompt has opened the block already.
  if (options.start == Start::tool_block)
    raw_answer_.add(
        "\n\n" + tool_block_opening(prompt_format(served.request.revision)),
        true);
  parser_.emplace(std::move(request.parser), std::move(request.tools));
}

std::vector<ChatEvent> ChoiceStream::read(std::string_view bytes) {
  if (parser_)
    return parser_->push(bytes);
  return content(stops_.push(utf8_.push(bytes)));
}

ChatEnd ChoiceStream::read_end(OutputEnd end) {
  if (parser_)
    return parser_->finish(end);
  std::string text;
  if (!stops_.found())
    text = stops_.push(utf8_.finish());
  if (!stops_.found())
    text += stops_.flush();
  ChatEnd result;
  result.events = content(std::move(text));
  if (end == OutputEnd::length)
    result.finish = ChatFinish::length;
  return result;
}

bool ChoiceStream::done() const {
  return parser_ ? parser_->done() : stops_.found();
}

const std::string& ChoiceStream::stop_string() const {
  return parser_ ? parser_->stop_string() : stops_.found_text();
}

void ChoiceStream::on_start(const EngineStart& start) {
  metrics_.queue_seconds.add(seconds_between(accepted_, Clock::now()));
  mailbox_->put(choice_, start);
}

void ChoiceStream::on_prompt(int64_t prompt_done, int64_t total) {
  mailbox_->progress(prompt_done, total);
}

Continue ChoiceStream::on_token(const EngineToken& token) {
  measure_token();
  // The engine ends by itself then.
  if (token.is_end)
    return mailbox_->closed() ? Continue::no : Continue::yes;
  std::string_view bytes = served_.tokenizer.bytes(token.id);
  AnswerUpdate update;
  // One that does not end the answer (ignore_eos) is no text of it, and the
  // parser would take it for the end.
  if (token.id != served_.control.eos)
    update.events = read(bytes);
  if (records_) {
    record(token.id, bytes);
    answer_.add(update.events);
  }
  if (wants_tokens_) {
    TokenInfo info;
    info.id = token.id;
    info.bytes = std::string(bytes);
    info.logprob = token.logprob;
    info.top_logprobs.assign(
        token.top_logprobs.begin(), token.top_logprobs.end());
    update.tokens.push_back(std::move(info));
  }
  bool wanted = update.events.empty() && update.tokens.empty()
                    ? !mailbox_->closed()
                    : mailbox_->put(choice_, std::move(update));
  return wanted && !done() ? Continue::yes : Continue::no;
}

void ChoiceStream::on_end(const EngineEnd& end) {
  if (std::optional<ApiError> error = end_error(end)) {
    if (end.error)
      log(LogLevel::error, "server", "a request failed: {}", end.error->what());
    mailbox_->fail(std::move(*error));
    return;
  }
  ChoiceEnd told;
  bool length = end.finish == EngineFinish::length && !done();
  told.inside_reasoning = parser_ && parser_->in_reasoning();
  whole_block_ = whole_block_ && done();
  ChatEnd last = read_end(length ? OutputEnd::length : OutputEnd::stop);
  told.finish = last.finish;
  told.stop_string = stop_string();
  told.prompt_tokens = end.prompt_tokens;
  told.cached_tokens = end.cached_tokens;
  told.generated_tokens = end.generated_tokens;
  told.reasoning_tokens = end.reasoning_tokens;
  told.timings = end.timings;
  measure_end(end, last.finish);
  if (records_) {
    answer_.add(last.events);
    remember(last.finish);
  }
  if (!last.events.empty())
    mailbox_->put(choice_, AnswerUpdate{std::move(last.events), {}});
  mailbox_->put(choice_, std::move(told));
}

void ChoiceStream::record(int32_t id, std::string_view bytes) {
  if (raw_in_reasoning_ && id == served_.control.think_close)
    raw_in_reasoning_ = false;
  else if (raw_in_reasoning_)
    raw_reasoning_.add(bytes, served_.tokenizer.is_added(id));
  else
    raw_answer_.add(bytes, served_.tokenizer.is_added(id));
}

// A turn cut by max_tokens, or with its block open, is not kept as generated:
// what the client sends back is complete.
void ChoiceStream::remember(ChatFinish finish) {
  ChatAnswer answer = answer_.take(finish);
  if (answer.tool_calls.empty() || finish != ChatFinish::tool_calls)
    return;
  ReplayTurn turn;
  turn.reasoning = std::move(answer.reasoning);
  turn.content = std::move(answer.content);
  turn.calls = std::move(answer.tool_calls);
  if (!raw_in_reasoning_) {
    turn.raw_reasoning = raw_reasoning_.take();
    if (whole_block_)
      turn.raw_answer = raw_answer_.take_trimmed();
  }
  served_.replay->remember(std::move(turn));
}

void ChoiceStream::measure_token() {
  Clock::time_point now = Clock::now();
  if (last_token_)
    metrics_.inter_token_seconds.add(seconds_between(*last_token_, now));
  else
    metrics_.time_to_first_token_seconds.add(seconds_between(accepted_, now));
  last_token_ = now;
}

void ChoiceStream::measure_end(const EngineEnd& end, ChatFinish finish) {
  int64_t computed = end.prompt_tokens - end.cached_tokens;
  if (computed > 0 && end.timings.prompt_seconds > 0)
    metrics_.prompt_tokens_per_second.add(
        static_cast<double>(computed) / end.timings.prompt_seconds);
  if (parser_ && parser_->unparsed_blocks() > 0) {
    auto blocks = static_cast<uint64_t>(parser_->unparsed_blocks());
    metrics_.count_parse_failures(blocks);
    log(LogLevel::warning,
        "server",
        "{} block(s) that looked like tool calls were given back as text",
        blocks);
  }
  metrics_.count_stop(name(finish));
}

std::optional<ApiError> end_error(const EngineEnd& end) {
  switch (end.finish) {
    case EngineFinish::end_token:
    case EngineFinish::length:
    case EngineFinish::observer:
      return std::nullopt;
    case EngineFinish::cancelled: {
      ApiError error;
      error.status = 503;
      error.message = "the server is stopping";
      error.retry_after_seconds = 5;
      return error;
    }
    case EngineFinish::deadline: {
      ApiError error;
      error.status = 504;
      error.message = "the request took longer than the server allows";
      error.code = "deadline_exceeded";
      return error;
    }
    case EngineFinish::failed:
      break;
  }
  if (end.error)
    return api_error(*end.error);
  return api_error(Error(ErrorCode::internal, "the engine gave no reason"));
}

}  // namespace hadal
