#include "cli/sampling_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "cli/exit_codes.h"
#include "cli/read_text.h"
#include "text/text_limits.h"

namespace hadal::cli {
namespace {

constexpr const char* kSamplingGroup = "Sampling";
constexpr float kNoLimit = std::numeric_limits<float>::max();

using Json = nlohmann::json;

// A number of the model's own file, within what the flag of that name takes.
template <class T>
void take(const Json& config, const char* key, T low, T high, T& value) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null())
    return;
  if (!found->is_number() || !(found->template get<T>() >= low) ||
      !(found->template get<T>() <= high))
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "generation_config.json: {}: found {}, expected a number from {} "
            "to {}",
            key,
            found->dump(),
            low,
            high));
  value = found->template get<T>();
}

// Whether the file asks for sampling at all.
bool do_sample(const Json& config) {
  const auto found = config.find("do_sample");
  if (found == config.end() || found->is_null())
    return true;
  if (!found->is_boolean())
    throw Error(
        ErrorCode::corrupt,
        "generation_config.json: do_sample: found " + found->dump() +
            ", expected true or false");
  return found->get<bool>();
}

void apply_file(
    const std::filesystem::path& directory, SamplingOptions& options) {
  const std::filesystem::path path = directory / "generation_config.json";
  if (!std::filesystem::exists(path))
    return;
  const Json config = Json::parse(read_text(path), nullptr, false);
  if (!config.is_object())
    throw Error(ErrorCode::corrupt, path.string() + ": expected a JSON object");
  take(config, "temperature", 0.0F, kNoLimit, options.temperature);
  take<int64_t>(config, "top_k", 0, 1 << 24, options.top_k);
  take(config, "top_p", 0.0F, 1.0F, options.top_p);
  take(config, "min_p", 0.0F, 1.0F, options.min_p);
  take(
      config,
      "repetition_penalty",
      std::numeric_limits<float>::min(),
      kNoLimit,
      options.repetition_penalty);
  if (!do_sample(config))
    options.temperature = 0;
}

std::pair<int32_t, float> parse_bias(const std::string& text) {
  const size_t equals = text.find('=');
  int32_t id = 0;
  float value = 0;
  if (equals != std::string::npos) {
    const char* const middle = text.data() + equals;
    const char* const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), middle, id);
    const auto second = std::from_chars(middle + 1, end, value);
    if (first.ec == std::errc() && first.ptr == middle &&
        second.ec == std::errc() && second.ptr == end && id >= 0)
      return {id, value};
  }
  throw UsageError(
      "--logit-bias: found \"" + text +
      "\", expected ID=VALUE, for example 42=-1.5");
}

template <class T, class U>
void override_with(const std::optional<T>& flag, U& value) {
  if (flag)
    value = *flag;
}

}  // namespace

std::shared_ptr<SamplingFlags> add_sampling_flags(CLI::App& app) {
  auto flags = std::make_shared<SamplingFlags>();
  const auto add = [&app](const char* name, auto& value, const char* what) {
    return app.add_option(name, value, what)->group(kSamplingGroup);
  };
  add("-t,--temperature",
      flags->temperature,
      "0 always takes the likeliest token; default: the model's")
      ->check(CLI::Range(0.0F, 100.0F))
      ->option_text("T");
  add("--top-p", flags->top_p, "Keep the likeliest tokens of this total share")
      ->check(CLI::Range(std::numeric_limits<float>::min(), 1.0F))
      ->option_text("P");
  add("--top-k", flags->top_k, "Keep the K likeliest tokens; 0: all")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 24))
      ->option_text("K");
  add("--min-p",
      flags->min_p,
      "Drop tokens less likely than this share of the likeliest")
      ->check(CLI::Range(0.0F, 1.0F))
      ->option_text("P");
  add("--seed", flags->seed, "Makes sampling repeatable")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()))
      ->option_text("N");
  add("--repetition-penalty",
      flags->repetition_penalty,
      "Over 1: tokens of prompt and answer become less likely")
      ->check(CLI::Range(std::numeric_limits<float>::min(), 100.0F))
      ->option_text("R");
  add("--presence-penalty",
      flags->presence_penalty,
      "Taken from the logit of each token of the answer, once")
      ->check(CLI::Range(-2.0F, 2.0F))
      ->option_text("X");
  add("--frequency-penalty",
      flags->frequency_penalty,
      "Likewise, as often as the token has appeared")
      ->check(CLI::Range(-2.0F, 2.0F))
      ->option_text("X");
  add("--logit-bias", flags->logit_bias, "Added to the logit of token ID")
      ->option_text("ID=X ...");
  add("-n,--max-tokens",
      flags->max_tokens,
      "Stop after so many tokens; default: until the context is full")
      ->check(CLI::Range(int64_t{1}, std::numeric_limits<int64_t>::max()))
      ->option_text("N");
  add("--stop", flags->stop, "Stop before this text; may be given again")
      ->expected(1)
      ->take_all()
      ->option_text("TEXT");
  return flags;
}

SamplingOptions sampling_options(
    const SamplingFlags& flags, const std::filesystem::path& directory) {
  SamplingOptions options;
  apply_file(directory, options);
  override_with(flags.temperature, options.temperature);
  override_with(flags.top_k, options.top_k);
  override_with(flags.top_p, options.top_p);
  override_with(flags.min_p, options.min_p);
  override_with(flags.repetition_penalty, options.repetition_penalty);
  override_with(flags.presence_penalty, options.presence_penalty);
  override_with(flags.frequency_penalty, options.frequency_penalty);
  options.seed = flags.seed;
  for (const std::string& text : flags.logit_bias)
    options.logit_bias.push_back(parse_bias(text));
  return options;
}

StopOptions stop_options(const SamplingFlags& flags) {
  StopOptions options;
  override_with(flags.max_tokens, options.max_tokens);
  options.strings = flags.stop;
  if (options.strings.size() > kMaxStopStrings)
    throw UsageError(fmt::format(
        "--stop: found {} texts, expected at most {}",
        options.strings.size(),
        kMaxStopStrings));
  for (const std::string& text : options.strings)
    if (text.empty())
      throw UsageError("--stop: found an empty text, expected some characters");
  return options;
}

}  // namespace hadal::cli
