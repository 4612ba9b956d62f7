// hadal chat with a model of its own.
#include <iostream>
#include <utility>

#include "base/progress.h"
#include "cli/answer_printer.h"
#include "cli/chat/chat_backend.h"
#include "cli/load_model.h"
#include "cli/speeds.h"
#include "hadal/generate.h"

namespace hadal::cli {
namespace {

class LocalChat : public ChatBackend {
 public:
  LocalChat(
      const Model& model, const ChatFlags& chat, const SamplingFlags& sampling)
      : model_(model),
        tokenizer_(Tokenizer::load(
            model.info().directory,
            {.expected_vocabulary = model.info().vocabulary})),
        chat_(chat_options(chat, model.info().directory)),
        session_(model) {
    options_.sampling = sampling_options(sampling, model.info().directory);
    options_.stop = stop_options(sampling);
    stop_texts_ = std::exchange(options_.stop.strings, {});
  }

  std::string name() const override {
    return model_.info().directory.filename().string();
  }

  ChatAnswer answer(
      std::span<const Message> messages,
      Thinking thinking,
      std::stop_token stop) override {
    chat_.thinking = thinking;
    const std::vector<int32_t> prompt =
        tokenizer_.encode(encode_chat(messages, chat_));
    ChatParserOptions parser = parser_options(messages, chat_);
    parser.stop = stop_texts_;
    AnswerPrinter printer(parser, false);
    Progress progress("reading", ProgressUnit::tokens);
    options_.on_prompt_progress = [&progress](int64_t done, int64_t total) {
      progress.update(done, total);
    };
    Summary summary = generate(
        session_,
        tokenizer_,
        prompt,
        options_,
        [&](const Step& step) {
          progress.finish();
          printer.push(step.text);
          return printer.done() ? Continue::no : Continue::yes;
        },
        std::move(stop));
    progress.finish();
    printer.push(summary.rest);
    printer.finish(summary.finish_reason);
    if (summary.finish_reason == FinishReason::length)
      std::cerr << "hadal: the answer was cut: "
                << (options_.stop.max_tokens >= 0 ? "--max-tokens"
                                                  : "the context is full")
                << "\n";
    std::cerr << "hadal: " << speed_line(summary) << "\n";
    return printer.answer();
  }

 private:
  Model model_;
  Tokenizer tokenizer_;
  ChatOptions chat_;
  Session session_;
  GenerateOptions options_;
  std::vector<std::string> stop_texts_;
};

}  // namespace

std::unique_ptr<ChatBackend> local_chat(
    const ModelOptions& model,
    const ChatFlags& chat,
    const SamplingFlags& sampling) {
  return std::make_unique<LocalChat>(load_model(model), chat, sampling);
}

}  // namespace hadal::cli
