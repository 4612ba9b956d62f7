// Chunks and the whole object. Chunks are put together as text: there is one
// for every token of every client.
#include "server/api/chat_writer.h"

#include <fmt/format.h>

#include "server/api/api_error.h"
#include "server/api/write_json.h"

namespace hadal {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

std::string call_json(const ToolCall& call) {
  return fmt::format(
      "{{\"id\":{},\"type\":\"function\",\"function\":{{\"name\":{},"
      "\"arguments\":{}}}}}",
      json_string(call.id),
      json_string(call.name),
      json_string(call.arguments));
}

}  // namespace

ChatWriter::ChatWriter(
    AnswerOptions options,
    std::vector<ChoiceRequest> requests,
    bool thinking,
    const ServedModel& served)
    : options_(std::move(options)),
      thinking_(thinking),
      served_(served),
      chunk_head_(
          "data: " + answer_head(options_, served, "chat.completion.chunk")),
      choices_(requests.size()) {
  choices = std::move(requests);
}

// "reasoning_content":TEXT, under the names that the server uses.
std::string ChatWriter::reasoning_members(std::string_view json_text) const {
  std::string out;
  if (served_.reasoning_field != ReasoningField::reasoning)
    out += fmt::format("\"reasoning_content\":{}", json_text);
  if (served_.reasoning_field == ReasoningField::both)
    out += ',';
  if (served_.reasoning_field != ReasoningField::reasoning_content)
    out += fmt::format("\"reasoning\":{}", json_text);
  return out;
}

// Log-probabilities and ids of the tokens that no chunk has told yet.
std::string ChatWriter::token_members(Choice& choice) const {
  std::string out;
  if (options_.logprobs) {
    if (choice.tokens.empty() && options_.stream)
      out += ",\"logprobs\":null";
    else
      out += ",\"logprobs\":{\"content\":" +
             logprobs_json(choice.tokens, served_.tokenizer) + "}";
  } else if (!options_.stream) {
    out += ",\"logprobs\":null";
  }
  if (options_.return_tokens)
    out += ",\"token_ids\":" + ids_json(choice.tokens);
  choice.tokens.clear();
  return out;
}

// What vLLM and llama-server can put into every chunk.
std::string ChatWriter::running_members(const Choice& choice) const {
  std::string out;
  if (options_.continuous_usage) {
    UsageSum usage;
    usage.prompt_tokens = choice.start.prompt_tokens;
    usage.cached_tokens = choice.start.cached_tokens;
    usage.completion_tokens = choice.generated;
    out += ",\"usage\":" + usage_json(usage);
  } else if (options_.include_usage) {
    out += ",\"usage\":null";
  }
  if (options_.timings_per_token && choice.first_token)
    out += ",\"timings\":" +
           timings_json(choice.generated, seconds_since(*choice.first_token));
  return out;
}

std::string ChatWriter::chunk(
    size_t index, std::string_view delta, std::string_view finish_reason) {
  Choice& choice = choices_[index];
  std::string out = chunk_head_;
  out +=
      fmt::format("\"choices\":[{{\"index\":{},\"delta\":{{{}}}", index, delta);
  out += token_members(choice);
  out += ",\"finish_reason\":";
  if (finish_reason.empty()) {
    out += "null}]";
    out += running_members(choice);
  } else {
    out += json_string(finish_reason);
    if (!choice.end.stop_string.empty())
      out += ",\"stop_reason\":" + json_string(choice.end.stop_string);
    out += "}]";
    if (options_.include_usage)
      out += ",\"usage\":null";
    out += ",\"timings\":" + timings_json(choice.end);
  }
  return out + "}\n\n";
}

std::string ChatWriter::begin() {
  if (!options_.stream)
    return {};
  std::string delta = "\"role\":\"assistant\",\"content\":null";
  if (thinking_)
    delta += "," + reasoning_members("\"\"");
  std::string out;
  for (size_t i = 0; i < choices_.size(); ++i)
    out += chunk(i, delta, "");
  return out;
}

std::string ChatWriter::started(size_t choice, const EngineStart& start) {
  choices_[choice].start = start;
  prompt_cached_ = start.cached_tokens;
  return {};
}

std::string ChatWriter::progress(int64_t done, int64_t total) {
  return chunk_head_ +
         fmt::format(
             "\"choices\":[],\"prompt_progress\":{{\"total\":{},\"cache\":{},"
             "\"processed\":{}}}}}\n\n",
             total,
             prompt_cached_,
             done);
}

std::string ChatWriter::delta(const ChatEvent& event) const {
  switch (event.kind) {
    case ChatEvent::Kind::reasoning:
      return reasoning_members(json_string(event.text));
    case ChatEvent::Kind::content:
      return "\"content\":" + json_string(event.text);
    case ChatEvent::Kind::tool_call_begin:
      return fmt::format(
          "\"tool_calls\":[{{\"index\":{},\"id\":{},\"type\":\"function\","
          "\"function\":{{\"name\":{},\"arguments\":\"\"}}}}]",
          event.call,
          json_string(event.id),
          json_string(event.name));
    case ChatEvent::Kind::tool_call_arguments:
      return fmt::format(
          "\"tool_calls\":[{{\"index\":{},\"function\":{{\"arguments\":{}}}}}]",
          event.call,
          json_string(event.text));
    case ChatEvent::Kind::tool_call_end:
      break;
  }
  return {};
}

std::string ChatWriter::update(
    size_t choice,
    std::span<const ChatEvent> events,
    std::span<const TokenInfo> tokens) {
  Choice& one = choices_[choice];
  generates_ = true;
  one.generated += static_cast<int64_t>(tokens.size());
  if (!one.first_token)
    one.first_token = Clock::now();
  if (options_.logprobs || options_.return_tokens)
    one.tokens.insert(one.tokens.end(), tokens.begin(), tokens.end());
  if (!options_.stream) {
    one.answer.add(events);
    return {};
  }
  std::string out;
  for (const ChatEvent& event : events)
    if (std::string members = delta(event); !members.empty())
      out += chunk(choice, members, "");
  return out;
}

std::string ChatWriter::end_choice(size_t choice, const ChoiceEnd& end) {
  choices_[choice].end = end;
  usage_.add(end, choice == 0);
  return options_.stream ? chunk(choice, "", name(end.finish)) : "";
}

std::string ChatWriter::choice_object(size_t index) {
  Choice& choice = choices_[index];
  ChatAnswer answer = choice.answer.take(choice.end.finish);
  std::string out = fmt::format(
      "{{\"index\":{},\"message\":{{\"role\":\"assistant\",\"content\":{}",
      index,
      answer.content.empty() && !answer.tool_calls.empty()
          ? "null"
          : json_string(answer.content));
  if (thinking_)
    out += "," + reasoning_members(json_string(answer.reasoning));
  if (!answer.tool_calls.empty()) {
    out += ",\"tool_calls\":[";
    for (size_t i = 0; i < answer.tool_calls.size(); ++i)
      out += (i > 0 ? "," : "") + call_json(answer.tool_calls[i]);
    out += ']';
  }
  out += '}' + token_members(choice);
  out += ",\"finish_reason\":" + json_string(name(choice.end.finish));
  if (!choice.end.stop_string.empty())
    out += ",\"stop_reason\":" + json_string(choice.end.stop_string);
  return out + '}';
}

std::string ChatWriter::finish() {
  if (options_.stream) {
    std::string out;
    if (options_.include_usage)
      out = chunk_head_ + "\"choices\":[],\"usage\":" + usage_json(usage_) +
            "}\n\n";
    return out + "data: [DONE]\n\n";
  }
  std::string out = answer_head(options_, served_, "chat.completion");
  out += "\"choices\":[";
  for (size_t i = 0; i < choices_.size(); ++i)
    out += (i > 0 ? "," : "") + choice_object(i);
  out += "],\"usage\":" + usage_json(usage_);
  return out + ",\"timings\":" + timings_json(choices_[0].end) + "}";
}

std::string ChatWriter::fail(const ApiError& error) {
  return "data: " + openai_error_json(error) + "\n\n";
}

std::string ChatWriter::keep_alive(int64_t done, int64_t total) {
  if (total == 0 || generates_)
    return ": keep-alive\n\n";
  return fmt::format(": prefill {}/{}\n\n", done, total);
}

}  // namespace hadal
