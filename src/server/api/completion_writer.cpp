// Chunks and the whole object have the same form here.
#include "server/api/completion_writer.h"

#include <fmt/format.h>

#include <set>

#include "server/api/api_error.h"
#include "server/api/write_json.h"
#include "text/utf8.h"

namespace hadal {
namespace {

int64_t count_characters(std::string_view text) {
  int64_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(first_character(text).length);
    ++count;
  }
  return count;
}

}  // namespace

CompletionWriter::CompletionWriter(
    AnswerOptions options,
    std::vector<ChoiceRequest> requests,
    std::vector<std::string> echoed,
    size_t choices_per_prompt,
    const ServedModel& served)
    : options_(std::move(options)),
      echoed_(std::move(echoed)),
      choices_per_prompt_(choices_per_prompt),
      served_(served),
      chunk_head_("data: " + answer_head(options_, served, "text_completion")),
      choices_(requests.size()) {
  choices = std::move(requests);
}

// The form of the old API: parallel lists.
std::string CompletionWriter::logprobs(Choice& choice) const {
  std::string texts;
  std::string values;
  std::string tops;
  std::string offsets;
  for (const TokenInfo& token : choice.tokens) {
    if (!texts.empty()) {
      texts += ',';
      values += ',';
      tops += ',';
      offsets += ',';
    }
    std::string text = replace_invalid_utf8(token.bytes);
    append_json_string(texts, text);
    values += number_json(token.logprob);
    offsets += fmt::to_string(choice.characters);
    choice.characters += count_characters(text);
    tops += '{';
    std::set<std::string> named;  // fragments of characters look alike
    for (const auto& [id, logprob] : token.top_logprobs) {
      std::string other = replace_invalid_utf8(served_.tokenizer.bytes(id));
      if (!named.insert(other).second)
        continue;
      if (named.size() > 1)
        tops += ',';
      append_json_string(tops, other);
      tops += ':' + number_json(logprob);
    }
    tops += '}';
  }
  return fmt::format(
      "{{\"tokens\":[{}],\"token_logprobs\":[{}],\"top_logprobs\":[{}],"
      "\"text_offset\":[{}]}}",
      texts,
      values,
      tops,
      offsets);
}

std::string CompletionWriter::choice_object(
    size_t index, std::string_view text, bool is_last) {
  Choice& choice = choices_[index];
  std::string out =
      fmt::format("{{\"index\":{},\"text\":{}", index, json_string(text));
  out += ",\"logprobs\":" + (options_.logprobs ? logprobs(choice) : "null");
  if (options_.return_tokens)
    out += ",\"token_ids\":" + ids_json(choice.tokens);
  choice.tokens.clear();
  out += ",\"finish_reason\":";
  out += is_last ? json_string(name(choice.end.finish)) : "null";
  if (is_last && !choice.end.stop_string.empty())
    out += ",\"stop_reason\":" + json_string(choice.end.stop_string);
  return out + "}";
}

std::string CompletionWriter::begin() {
  std::string out;
  for (size_t i = 0; i < choices_.size(); ++i) {
    if (echoed_[i].empty())
      continue;
    choices_[i].characters = count_characters(echoed_[i]);
    if (options_.stream)
      out += chunk_head_ + "\"choices\":[" +
             choice_object(i, echoed_[i], false) + "]}\n\n";
    else
      choices_[i].text = echoed_[i];
  }
  return out;
}

std::string CompletionWriter::progress(int64_t done, int64_t total) {
  return chunk_head_ + fmt::format(
                           "\"choices\":[],\"prompt_progress\":{{\"total\":{},"
                           "\"processed\":{}}}}}\n\n",
                           total,
                           done);
}

std::string CompletionWriter::update(
    size_t choice,
    std::span<const ChatEvent> events,
    std::span<const TokenInfo> tokens) {
  Choice& one = choices_[choice];
  generates_ = true;
  if (options_.logprobs || options_.return_tokens)
    one.tokens.insert(one.tokens.end(), tokens.begin(), tokens.end());
  std::string text;
  for (const ChatEvent& event : events)
    text += event.text;
  if (!options_.stream) {
    one.text += text;
    return {};
  }
  if (text.empty())
    return {};
  return chunk_head_ + "\"choices\":[" + choice_object(choice, text, false) +
         "]}\n\n";
}

std::string CompletionWriter::end_choice(size_t choice, const ChoiceEnd& end) {
  choices_[choice].end = end;
  usage_.add(end, choice % choices_per_prompt_ == 0);
  if (!options_.stream)
    return {};
  return chunk_head_ + "\"choices\":[" + choice_object(choice, "", true) +
         "],\"timings\":" + timings_json(end) + "}\n\n";
}

std::string CompletionWriter::finish() {
  if (options_.stream) {
    std::string out;
    if (options_.include_usage)
      out = chunk_head_ + "\"choices\":[],\"usage\":" + usage_json(usage_) +
            "}\n\n";
    return out + "data: [DONE]\n\n";
  }
  std::string out = answer_head(options_, served_, "text_completion");
  out += "\"choices\":[";
  for (size_t i = 0; i < choices_.size(); ++i)
    out += (i > 0 ? "," : "") + choice_object(i, choices_[i].text, true);
  return out + "],\"usage\":" + usage_json(usage_) +
         ",\"timings\":" + timings_json(choices_[0].end) + "}";
}

std::string CompletionWriter::fail(const ApiError& error) {
  return "data: " + openai_error_json(error) + "\n\n";
}

std::string CompletionWriter::keep_alive(int64_t done, int64_t total) {
  if (total == 0 || generates_)
    return ": keep-alive\n\n";
  return fmt::format(": prefill {}/{}\n\n", done, total);
}

}  // namespace hadal
