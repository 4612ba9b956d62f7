// hadal generate: one prompt, one answer.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/interrupt.h"
#include "base/limits.h"
#include "base/memory_info.h"
#include "base/progress.h"
#include "cli/answer_printer.h"
#include "cli/chat_flags.h"
#include "cli/exit_codes.h"
#include "cli/load_model.h"
#include "cli/model_flags.h"
#include "cli/read_text.h"
#include "cli/sampling_flags.h"
#include "cli/speeds.h"
#include "cli/verbs.h"
#include "hadal/chat.h"
#include "hadal/error.h"
#include "hadal/generate.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct GenerateFlags {
  std::shared_ptr<ModelOptions> model;
  std::shared_ptr<ChatFlags> chat;
  std::shared_ptr<SamplingFlags> sampling;
  std::optional<std::string> prompt;
  std::optional<std::string> prompt_file;
  bool raw = false;
  int logprobs = -1;
  bool json = false;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// From the flag, the file, or a standard input that is not a terminal.
std::string prompt_text(const GenerateFlags& flags) {
  std::string text;
  std::string source = "the prompt";
  if (flags.prompt) {
    text = *flags.prompt;
  } else if (flags.prompt_file) {
    source = *flags.prompt_file;
    text = read_text(*flags.prompt_file);
  } else {
    if (::isatty(STDIN_FILENO) == 1)
      throw UsageError(
          "no prompt: give --prompt TEXT, --prompt-file FILE or text on "
          "standard input");
    source = "standard input";
    text = read_text("-");
  }
  require_utf8(text, source);
  if (text.empty())
    throw UsageError(source + " is empty, expected some text");
  return text;
}

// A raw prompt owns its template, so control tokens in it are recognised; BOS
// is added when it does not start with it.
std::vector<int32_t> raw_prompt(
    const Tokenizer& tokenizer, const std::string& text) {
  std::vector<int32_t> ids = tokenizer.encode(text, SpecialTokens::recognised);
  if (ids.empty() || ids.front() != tokenizer.bos_id())
    ids.insert(ids.begin(), tokenizer.bos_id());
  return ids;
}

std::vector<Message> chat_messages(
    const std::string& system, const std::string& text) {
  std::vector<Message> messages;
  if (!system.empty())
    messages.push_back({Role::system, system});
  messages.push_back({Role::user, text});
  return messages;
}

Json logprob_json(const Tokenizer& tokenizer, int32_t token, float logprob) {
  const std::string text = tokenizer.decode({&token, 1});
  return {{"id", token}, {"token", text}, {"logprob", logprob}};
}

// What --json prints besides the text itself.
class Record {
 public:
  Record(const Tokenizer& tokenizer, bool logprobs)
      : tokenizer_(tokenizer), logprobs_(logprobs) {}

  void add(const Step& step) {
    if (tokens_.empty())
      first_token_ = Clock::now();
    tokens_.push_back(step.token);
    if (!logprobs_)
      return;
    Json entry = logprob_json(tokenizer_, step.token, step.logprob);
    entry["top"] = Json::array();
    for (const auto& [id, logprob] : step.top_logprobs)
      entry["top"].push_back(logprob_json(tokenizer_, id, logprob));
    logprob_entries_.push_back(std::move(entry));
  }

  Json json(
      const ChatAnswer& answer,
      bool raw,
      const Summary& summary,
      Clock::time_point start,
      double load_seconds) const {
    Json out;
    out["text"] = answer.content;
    if (!raw) {
      out["reasoning"] = answer.reasoning;
      out["tool_calls"] = Json::array();
      for (const ToolCall& call : answer.tool_calls)
        out["tool_calls"].push_back(
            {{"id", call.id},
             {"name", call.name},
             {"arguments", call.arguments}});
    }
    out["tokens"] = tokens_;
    out["finish_reason"] = finish_reason(answer, raw, summary);
    if (logprobs_)
      out["logprobs"] = logprob_entries_;
    out["usage"] = {
        {"prompt_tokens", summary.prompt_tokens},
        {"reused_tokens", summary.reused_tokens},
        {"completion_tokens", summary.generated_tokens},
        {"total_tokens", summary.prompt_tokens + summary.generated_tokens}};
    const double first_token =
        tokens_.empty()
            ? 0
            : std::chrono::duration<double>(first_token_ - start).count();
    out["timings"] = {
        {"load_seconds", load_seconds},
        {"prompt_seconds", summary.prompt_seconds},
        {"first_token_seconds", first_token},
        {"generate_seconds", summary.generate_seconds},
        {"prompt_tokens_per_second", prompt_tokens_per_second(summary)},
        {"generate_tokens_per_second", answer_tokens_per_second(summary)},
        {"peak_resident_bytes", peak_resident_bytes()}};
    return out;
  }

 private:
  static std::string finish_reason(
      const ChatAnswer& answer, bool raw, const Summary& summary) {
    if (!raw && summary.finish_reason == FinishReason::stop)
      return std::string(name(answer.finish));
    return std::string(name(summary.finish_reason));
  }

  const Tokenizer& tokenizer_;
  bool logprobs_;
  std::vector<int32_t> tokens_;
  Clock::time_point first_token_;
  Json logprob_entries_ = Json::array();
};

void check(const GenerateFlags& flags) {
  if (flags.raw && !flags.chat->system.empty())
    throw UsageError("--system has no meaning with --raw");
  if (flags.raw && !flags.chat->tools_file.empty())
    throw UsageError("--tools has no meaning with --raw");
  if (flags.raw && flags.chat->thinking != Thinking::none)
    throw UsageError("--thinking has no meaning with --raw");
  if (flags.logprobs >= 0 && !flags.json)
    throw UsageError("--logprobs needs --json, which prints them");
  require_utf8(flags.chat->system, "--system");
}

int run(const GenerateFlags& flags) {
  const Clock::time_point start = Clock::now();
  check(flags);
  const std::string text = prompt_text(flags);
  Interrupt interrupt;

  const Model model = load_model(*flags.model, interrupt.token());
  const ModelInfo& info = model.info();
  const Tokenizer tokenizer =
      Tokenizer::load(info.directory, {.expected_vocabulary = info.vocabulary});
  GenerateOptions options{
      .sampling = sampling_options(*flags.sampling, info.directory),
      .stop = stop_options(*flags.sampling)};
  options.sampling.logprobs = flags.logprobs;
  const double load_seconds = seconds_since(start);

  std::vector<int32_t> prompt;
  std::optional<AnswerPrinter> printer;
  if (flags.raw) {
    prompt = raw_prompt(tokenizer, text);
    printer.emplace(flags.json);
  } else {
    const ChatOptions chat = chat_options(*flags.chat, info.directory);
    const std::vector<Message> messages =
        chat_messages(flags.chat->system, text);
    prompt = tokenizer.encode(encode_chat(messages, chat));
    ChatParserOptions parser = parser_options(messages, chat);
    parser.stop = std::exchange(options.stop.strings, {});
    printer.emplace(parser, flags.json);
  }
  Record record(tokenizer, flags.logprobs >= 0);
  Progress progress("reading prompt", ProgressUnit::tokens);
  options.on_prompt_progress = [&progress](int64_t done, int64_t total) {
    progress.update(done, total);
  };

  Session session(model);
  Summary summary = generate(
      session,
      tokenizer,
      prompt,
      options,
      [&](const Step& step) {
        progress.finish();
        record.add(step);
        printer->push(step.text);
        return printer->done() ? Continue::no : Continue::yes;
      },
      interrupt.token());
  progress.finish();
  printer->push(summary.rest);
  // A stop text that the printer found is a stop, not a wish of the user.
  if (printer->done() && !interrupt.requested())
    summary.finish_reason = FinishReason::stop;
  printer->finish(summary.finish_reason);
  if (flags.json)
    std::cout
        << record
               .json(printer->answer(), flags.raw, summary, start, load_seconds)
               .dump(2, ' ', false, Json::error_handler_t::replace)
        << "\n";
  std::cerr << "hadal: " << speed_line(summary) << "\n";
  return interrupt.requested() ? kInterruptedExitCode : kSuccess;
}

}  // namespace

Run add_generate(CLI::App& app) {
  auto flags = std::make_shared<GenerateFlags>();
  CLI::Option* const prompt =
      app.add_option("-p,--prompt", flags->prompt, "The user's message")
          ->option_text("TEXT")
          ->group("Prompt");
  app.add_option(
         "-f,--prompt-file",
         flags->prompt_file,
         "Read it from a file, - for standard input (the default without "
         "--prompt)")
      ->option_text("FILE")
      ->group("Prompt")
      ->excludes(prompt);
  app.add_flag(
         "--raw",
         flags->raw,
         "The prompt is the whole text, template tokens in it are recognised "
         "and the output is printed unparsed")
      ->group("Prompt");
  flags->chat = add_chat_flags(app);
  flags->sampling = add_sampling_flags(app);
  app.add_option(
         "--logprobs",
         flags->logprobs,
         "With --json: log-probabilities of each token and of the N best")
      ->check(CLI::Range(0, kMaxLogprobs))
      ->option_text("N");
  app.add_flag(
      "--json", flags->json, "Print one JSON object at the end (docs/cli.md)");
  flags->model = add_model_flags(app);
  app.footer(
      "The answer goes to stdout; reasoning, tool calls and speeds to stderr. "
      "Ctrl-C ends\nthe answer (exit status 130), a second one the program.\n\n"
      "Examples:\n"
      "  hadal generate --prompt \"Tell me a story about a fox named Nina.\"\n"
      "  hadal generate --thinking high -p \"What is 257 + 468?\" -t 0\n"
      "  hadal generate --raw -n 20 -p \"Once upon a time\"");
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
