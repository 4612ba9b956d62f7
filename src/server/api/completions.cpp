// Reading a completions request: its prompts in their four forms.
#include "server/api/completions.h"

#include <fmt/format.h>

#include "server/api/completion_writer.h"
#include "server/api/prepare.h"
#include "text/prompt_encoder.h"

namespace hadal {
namespace {

struct Prompt {
  std::string text;  // for echo
  std::vector<int32_t> ids;
};

class PromptReader {
 public:
  PromptReader(const JsonValue& body, const ServedModel& served)
      : served_(served),
        add_bos_(bool_field(body, "", "add_special_tokens").value_or(true)),
        trusts_text_(bool_field(body, "", "special_in_content")
                         .value_or(served.request.special_in_content)) {
    // Clients send an empty suffix when they have none.
    std::string suffix = string_field(body, "", "suffix").value_or("");
    if (!suffix.empty())
      suffix_ = std::move(suffix);
  }

  // A string, token ids, or an array of one of them.
  std::vector<Prompt> read(const JsonValue& body) const {
    const JsonValue* prompt = field(body, "prompt");
    if (prompt == nullptr)
      refuse("prompt", "a request must have a prompt");
    if (prompt->is_string())
      return {of_text(prompt->as_string())};
    if (!prompt->is_array())
      refuse_type("prompt", "a string or an array", *prompt);
    const JsonValue::Array& items = prompt->items();
    if (items.empty())
      refuse("prompt", "it must not be empty");
    if (items[0].is_number())
      return {of_ids(*prompt, "prompt")};
    if (items.size() > static_cast<size_t>(served_.limits.max_completions))
      refuse(
          "prompt",
          fmt::format(
              "{} prompts are more than the limit of {}",
              items.size(),
              served_.limits.max_completions));
    std::vector<Prompt> prompts;
    for (size_t i = 0; i < items.size(); ++i) {
      std::string path = item_path("prompt", i);
      if (items[i].is_string())
        prompts.push_back(of_text(items[i].as_string()));
      else if (items[i].is_array())
        prompts.push_back(of_ids(items[i], path));
      else
        refuse_type(path, "a string or an array of token ids", items[i]);
    }
    return prompts;
  }

 private:
  Prompt of_text(const std::string& text) const {
    Spans spans = suffix_ ? encode_fill_in_middle(text, *suffix_, trusts_text_)
                          : encode_raw(text, add_bos_);
    Prompt prompt{text, served_.tokenizer.encode(spans)};
    if (prompt.ids.empty())
      refuse("prompt", "it must not be empty");
    return prompt;
  }

  Prompt of_ids(const JsonValue& list, const std::string& path) const {
    if (suffix_)
      refuse("suffix", "it needs a prompt of text, not of token ids");
    Prompt prompt;
    prompt.ids = read_token_ids(list, path, served_.tokenizer.size());
    if (prompt.ids.empty())
      refuse(path, "it must not be empty");
    prompt.text = served_.tokenizer.decode(prompt.ids);
    return prompt;
  }

  const ServedModel& served_;
  bool add_bos_;
  bool trusts_text_;
  std::optional<std::string> suffix_;
};

std::vector<std::string> read_stop(const JsonValue& body) {
  std::vector<std::string> stop = strings_field(body, "", "stop");
  if (stop.size() > kMaxStopStrings)
    refuse(
        "stop",
        fmt::format(
            "{} stop strings are more than the limit of {}",
            stop.size(),
            kMaxStopStrings));
  for (const std::string& text : stop)
    if (text.empty())
      refuse("stop", "a stop string must not be empty");
  return stop;
}

void check_best_of(const JsonValue& body, int choices) {
  auto best_of = integer_field(body, "", "best_of", 1, 1 << 20);
  if (best_of && *best_of != choices)
    refuse(
        "best_of",
        "choosing among answers is not supported; ask for several with n");
}

}  // namespace

ApiResult<std::unique_ptr<ApiCall>> read_completions(
    const JsonValue& body, const HttpRequest& http, const ServedModel& served) {
  using Call = std::unique_ptr<ApiCall>;
  try {
    AnswerOptions options = read_answer_options(body, served, "cmpl-");
    GenerationFields fields = read_generation_fields(body, http, served);
    fields.max_tokens = read_max_tokens(body);
    fields.choices = read_choices(body, served);
    check_best_of(body, fields.choices);
    auto logprobs =
        integer_field(body, "", "logprobs", 0, served.limits.max_logprobs);
    fields.sampling.logprobs = static_cast<int>(logprobs.value_or(-1));
    options.logprobs = logprobs.has_value();
    bool echo = bool_field(body, "", "echo").value_or(false);
    if (echo && options.logprobs)
      refuse(
          "logprobs",
          "log-probabilities of the prompt are not available; leave out echo");
    std::vector<std::string> stop = read_stop(body);
    std::vector<Prompt> prompts = PromptReader(body, served).read(body);
    if (prompts.size() * static_cast<size_t>(fields.choices) >
        static_cast<size_t>(served.limits.max_completions))
      refuse(
          "n",
          fmt::format(
              "{} prompts with {} answers each are more than the limit of {}",
              prompts.size(),
              fields.choices,
              served.limits.max_completions));

    std::vector<ChoiceRequest> choices;
    std::vector<std::string> echoed;
    for (Prompt& prompt : prompts) {
      ApiResult<std::vector<ChoiceRequest>> prepared =
          prepare_raw(std::move(prompt.ids), stop, fields, served);
      if (!prepared.has_value())
        return prepared.error();
      for (ChoiceRequest& choice : *prepared) {
        choice.wants_tokens =
            options.return_tokens || options.timings_per_token;
        choices.push_back(std::move(choice));
        echoed.push_back(echo ? prompt.text : "");
      }
    }
    return Call(std::make_unique<CompletionWriter>(
        std::move(options),
        std::move(choices),
        std::move(echoed),
        static_cast<size_t>(fields.choices),
        served));
  } catch (const RequestError& error) {
    return api_error(error.failure);
  }
}

}  // namespace hadal
