// Reading what the families share besides messages.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "server/api/prepare.h"

namespace hadal {
namespace {

constexpr int64_t kMaxCount = int64_t{1} << 40;

void read_bias(
    const JsonValue& body, int64_t vocabulary, SamplingOptions& sampling) {
  const JsonValue* bias = object_field(body, "", "logit_bias");
  if (bias == nullptr)
    return;
  for (const JsonMember& member : bias->members()) {
    const std::string& key = member.key;
    std::string path = member_path("logit_bias", key);
    int32_t id = -1;
    auto [end, failed] =
        std::from_chars(key.data(), key.data() + key.size(), id);
    if (failed != std::errc() || end != key.data() + key.size() || id < 0 ||
        id >= vocabulary)
      refuse(
          path,
          fmt::format(
              "expected a token id from 0 to {} as the name", vocabulary - 1));
    if (!member.value.is_number())
      refuse_type(path, "a number", member.value);
    double value = member.value.as_double();
    if (!(value >= -100 && value <= 100))
      refuse(
          path,
          fmt::format("expected a number from -100 to 100, found {}", value));
    // "7" and "07" name one token; the later one counts.
    auto& pairs = sampling.logit_bias;
    auto known = std::find_if(pairs.begin(), pairs.end(), [&](auto& pair) {
      return pair.first == id;
    });
    if (known == pairs.end())
      pairs.emplace_back(id, static_cast<float>(value));
    else
      known->second = static_cast<float>(value);
  }
}

// Any whole number of 64 bits, signed or not; -1 asks for a fresh one, as with
// llama-server.
void read_seed(const JsonValue& body, SamplingOptions& sampling) {
  const JsonValue* value = field(body, "seed");
  if (value == nullptr)
    return;
  if (!value->is_number())
    refuse_type("seed", "a whole number", *value);
  const std::string& digits = value->number_text();
  const char* end = digits.data() + digits.size();
  int64_t number = 0;
  uint64_t large = 0;
  std::from_chars_result read = std::from_chars(digits.data(), end, number);
  bool whole = read.ec == std::errc() && read.ptr == end;
  if (!whole) {
    read = std::from_chars(digits.data(), end, large);
    if (read.ec != std::errc() || read.ptr != end)
      refuse(
          "seed",
          fmt::format("expected a whole number of 64 bits, found {}", digits));
  }
  if (!whole || number != -1)
    sampling.seed = whole ? static_cast<uint64_t>(number) : large;
}

void read_sampling(
    const JsonValue& body, int64_t vocabulary, SamplingOptions& sampling) {
  auto read = [&](std::string_view key, double low, double high, float& out) {
    if (std::optional<double> value = range_field(body, "", key, low, high))
      out = static_cast<float>(*value);
  };
  read("temperature", 0, 2, sampling.temperature);
  read("top_p", 0, 1, sampling.top_p);
  if (sampling.top_p == 0)
    refuse("top_p", "expected a number above 0 and up to 1, found 0");
  read("min_p", 0, 1, sampling.min_p);
  read("presence_penalty", -2, 2, sampling.presence_penalty);
  read("frequency_penalty", -2, 2, sampling.frequency_penalty);
  read("repetition_penalty", 0.01, 100, sampling.repetition_penalty);
  // -1 is how vLLM's clients say "off".
  if (auto top_k = integer_field(body, "", "top_k", -1, kMaxCount))
    sampling.top_k = std::max<int64_t>(*top_k, 0);
  read_seed(body, sampling);
  read_bias(body, vocabulary, sampling);
}

// -1 says "no budget".
int64_t read_budget(const JsonValue& body) {
  std::optional<int64_t> budget;
  auto add =
      [&](const JsonValue& from, std::string_view path, const char* key) {
        auto value = integer_field(from, path, key, -1, kMaxCount);
        if (!budget)
          budget = value;
      };
  add(body, "", "thinking_token_budget");
  add(body, "", "max_thinking_tokens");
  const JsonValue* thinking = field(body, "thinking");
  if (thinking != nullptr && thinking->is_object())
    add(*thinking, "thinking", "budget_tokens");
  return budget.value_or(-1);
}

std::vector<std::string> read_bad_words(
    const JsonValue& body, const ApiLimits& limits) {
  std::vector<std::string> words = strings_field(body, "", "bad_words");
  if (words.size() > limits.max_bad_words)
    refuse(
        "bad_words",
        fmt::format(
            "{} texts are more than the limit of {}",
            words.size(),
            limits.max_bad_words));
  for (size_t i = 0; i < words.size(); ++i)
    if (words[i].empty())
      refuse(item_path("bad_words", i), "a text must not be empty");
  return words;
}

}  // namespace

GenerationFields read_generation_fields(
    const JsonValue& body, const HttpRequest& http, const ServedModel& served) {
  int64_t vocabulary = served.tokenizer.size();
  GenerationFields fields;
  fields.sampling = served.sampling;
  read_sampling(body, vocabulary, fields.sampling);
  fields.max_thinking_tokens = read_budget(body);
  fields.min_tokens =
      integer_field(body, "", "min_tokens", 0, kMaxCount).value_or(0);
  if (const JsonValue* ids = array_field(body, "", "stop_token_ids"))
    fields.stop_token_ids = read_token_ids(*ids, "stop_token_ids", vocabulary);
  fields.bad_words = read_bad_words(body, served.limits);
  fields.ignore_eos = bool_field(body, "", "ignore_eos").value_or(false);
  fields.use_cache = bool_field(body, "", "cache_prompt").value_or(true);
  fields.client = http.client;
  return fields;
}

}  // namespace hadal
