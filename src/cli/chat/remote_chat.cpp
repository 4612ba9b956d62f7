// hadal chat as a client of a server's Chat Completions.
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "cli/answer_printer.h"
#include "cli/chat/chat_backend.h"
#include "cli/exit_codes.h"
#include "cli/read_text.h"
#include "cli/remote.h"
#include "server/http/http_client.h"
#include "server/http/sse_parser.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

Json message_json(const Message& message) {
  Json out = {{"role", role_word(message.role)}, {"content", message.content}};
  if (!message.reasoning.empty())
    out["reasoning_content"] = message.reasoning;
  for (const ToolCall& call : message.tool_calls)
    out["tool_calls"].push_back(
        {{"id", call.id},
         {"type", "function"},
         {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  return out;
}

// Fields that the user gave; the server has defaults for the rest.
Json sampling_json(const SamplingFlags& flags) {
  Json out = Json::object();
  const auto set = [&out](const char* key, const auto& value) {
    if (value)
      out[key] = *value;
  };
  set("temperature", flags.temperature);
  set("top_k", flags.top_k);
  set("top_p", flags.top_p);
  set("min_p", flags.min_p);
  set("repetition_penalty", flags.repetition_penalty);
  set("presence_penalty", flags.presence_penalty);
  set("frequency_penalty", flags.frequency_penalty);
  set("seed", flags.seed);
  set("max_tokens", flags.max_tokens);
  if (!flags.stop.empty())
    out["stop"] = flags.stop;
  if (!flags.logit_bias.empty())
    throw UsageError("--logit-bias has no meaning with --server");
  return out;
}

// The pieces of one streamed answer as events of our own parser.
class AnswerStream {
 public:
  void push(std::string_view bytes) {
    for (const SseEvent& event : parser_.push(bytes))
      if (event.data != "[DONE]")
        take(Json::parse(event.data));
  }
  ChatAnswer finish() {
    end_call();
    printer_.finish(finish_);
    return printer_.answer();
  }
  bool started() const { return started_; }
  std::string speed(double seconds) const;

 private:
  void take(const Json& chunk);
  void take_calls(const Json& calls);
  void end_call() {
    if (call_ >= 0)
      add({.kind = ChatEvent::Kind::tool_call_end, .call = call_});
    call_ = -1;
  }
  void text(ChatEvent::Kind kind, const Json& delta, const char* key) {
    const auto found = delta.find(key);
    if (found != delta.end() && found->is_string() && *found != "")
      add({.kind = kind, .text = found->get<std::string>()});
  }
  void add(const ChatEvent& event) {
    started_ = true;
    printer_.push(event);
  }

  SseParser parser_;
  AnswerPrinter printer_{false};
  ChatFinish finish_ = ChatFinish::stop;
  int call_ = -1;
  bool started_ = false;
  Json usage_;
};

void AnswerStream::take(const Json& chunk) {
  if (chunk.contains("error"))
    throw Error(ErrorCode::io, "the server says: " + server_message(chunk));
  if (const auto usage = chunk.find("usage");
      usage != chunk.end() && usage->is_object())
    usage_ = *usage;
  const auto choices = chunk.find("choices");
  if (choices == chunk.end() || choices->empty())
    return;
  const Json& choice = choices->front();
  if (const auto delta = choice.find("delta"); delta != choice.end()) {
    text(
        ChatEvent::Kind::reasoning,
        *delta,
        delta->contains("reasoning_content") ? "reasoning_content"
                                             : "reasoning");
    text(ChatEvent::Kind::content, *delta, "content");
    if (const auto calls = delta->find("tool_calls");
        calls != delta->end() && calls->is_array())
      take_calls(*calls);
  }
  const std::string reason = choice.value("finish_reason", Json()).is_string()
                                 ? choice["finish_reason"].get<std::string>()
                                 : "";
  if (reason == "length")
    finish_ = ChatFinish::length;
  else if (reason == "tool_calls")
    finish_ = ChatFinish::tool_calls;
}

void AnswerStream::take_calls(const Json& calls) {
  for (const Json& call : calls) {
    const int index = call.value("index", 0);
    const Json function = call.value("function", Json::object());
    if (index != call_) {
      end_call();
      call_ = index;
      add(
          {.kind = ChatEvent::Kind::tool_call_begin,
           .call = index,
           .id = call.value("id", ""),
           .name = function.value("name", "")});
    }
    const std::string arguments = function.value("arguments", "");
    if (!arguments.empty())
      add(
          {.kind = ChatEvent::Kind::tool_call_arguments,
           .text = arguments,
           .call = index});
  }
}

std::string AnswerStream::speed(double seconds) const {
  if (usage_.is_null())
    return fmt::format("{:.1f} s", seconds);
  const Json details =
      usage_.value("prompt_tokens_details", Json(nullptr)).is_object()
          ? usage_["prompt_tokens_details"]
          : Json::object();
  return fmt::format(
      "prompt {} tokens ({} reused), answer {} tokens, {:.1f} s",
      usage_.value("prompt_tokens", 0),
      details.value("cached_tokens", 0),
      usage_.value("completion_tokens", 0),
      seconds);
}

class RemoteChat : public ChatBackend {
 public:
  RemoteChat(
      const RemoteChatFlags& remote,
      const ChatFlags& chat,
      const SamplingFlags& sampling)
      : client_(remote_options(remote.url, remote.api_key)),
        model_(remote.model.empty() ? first_model(client_) : remote.model),
        fields_(sampling_json(sampling)) {
    if (!chat.revision.empty())
      throw UsageError("--revision has no meaning with --server");
    if (!chat.tools_file.empty())
      fields_["tools"] =
          parse_json(read_text(chat.tools_file), chat.tools_file);
  }

  std::string name() const override { return model_; }

  ChatAnswer answer(
      std::span<const Message> messages,
      Thinking thinking,
      std::stop_token stop) override {
    Json request = fields_;
    request["model"] = model_;
    request["stream"] = true;
    request["stream_options"] = {{"include_usage", true}};
    if (thinking == Thinking::none) {
      request["thinking"] = {{"type", "disabled"}};
    } else {
      request["thinking"] = {{"type", "enabled"}};
      request["reasoning_effort"] = hadal::name(thinking);
    }
    request["messages"] = Json::array();
    for (const Message& message : messages)
      request["messages"].push_back(message_json(message));

    const Clock::time_point start = Clock::now();
    AnswerStream stream;
    try {
      const HttpResponse response = client_.post(
          "/v1/chat/completions",
          request.dump(-1, ' ', false, Json::error_handler_t::replace),
          [&stream](std::string_view bytes) {
            stream.push(bytes);
            return true;
          },
          stop);
      require_success(response);
    } catch (const Error& error) {
      // What was said before a stop stays, as it does without a server.
      if (error.code() != ErrorCode::cancelled || !stream.started())
        throw;
    } catch (const Json::exception& error) {
      throw Error(
          ErrorCode::io,
          std::string("the server's answer is not understood: ") +
              error.what());
    }
    ChatAnswer answer = stream.finish();
    if (answer.finish == ChatFinish::length)
      std::cerr << "hadal: the answer was cut\n";
    const double seconds =
        std::chrono::duration<double>(Clock::now() - start).count();
    std::cerr << "hadal: " << stream.speed(seconds) << "\n";
    return answer;
  }

 private:
  HttpClient client_;
  std::string model_;
  Json fields_;
};

}  // namespace

std::unique_ptr<ChatBackend> remote_chat(
    const RemoteChatFlags& remote,
    const ChatFlags& chat,
    const SamplingFlags& sampling) {
  return std::make_unique<RemoteChat>(remote, chat, sampling);
}

}  // namespace hadal::cli
