// Writing the common parts.
#include "server/api/answer_json.h"

#include <fmt/format.h>

#include <cmath>

#include "server/api/write_json.h"
#include "text/utf8.h"

namespace hadal {
namespace {

double per_second(int64_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

void append_token(std::string& out, std::string_view bytes, float logprob) {
  out += "{\"token\":";
  append_json_string(out, replace_invalid_utf8(bytes));
  out += ",\"logprob\":" + number_json(logprob) + ",\"bytes\":[";
  std::string_view separator;
  for (char byte : bytes) {
    out += separator;
    out += fmt::to_string(static_cast<unsigned>(static_cast<uint8_t>(byte)));
    separator = ",";
  }
  out += ']';
}

}  // namespace

void UsageSum::add(const ChoiceEnd& end, bool new_prompt) {
  if (new_prompt) {
    prompt_tokens += end.prompt_tokens;
    cached_tokens += end.cached_tokens;
  }
  completion_tokens += end.generated_tokens;
  reasoning_tokens += end.reasoning_tokens;
}

std::string usage_json(const UsageSum& usage) {
  return fmt::format(
      "{{\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{},"
      "\"prompt_tokens_details\":{{\"cached_tokens\":{}}},"
      "\"completion_tokens_details\":{{\"reasoning_tokens\":{}}},"
      "\"prompt_cache_hit_tokens\":{},\"prompt_cache_miss_tokens\":{}}}",
      usage.prompt_tokens,
      usage.completion_tokens,
      usage.prompt_tokens + usage.completion_tokens,
      usage.cached_tokens,
      usage.reasoning_tokens,
      usage.cached_tokens,
      usage.prompt_tokens - usage.cached_tokens);
}

std::string timings_json(const ChoiceEnd& end) {
  int64_t computed = end.prompt_tokens - end.cached_tokens;
  const EngineTimings& timings = end.timings;
  return fmt::format(
      "{{\"queue_ms\":{:.3f},\"cache_n\":{},\"prompt_n\":{},"
      "\"prompt_ms\":{:.3f},\"prompt_per_second\":{:.3f},\"predicted_n\":{},"
      "\"predicted_ms\":{:.3f},\"predicted_per_second\":{:.3f}}}",
      timings.queue_seconds * 1000,
      end.cached_tokens,
      computed,
      timings.prompt_seconds * 1000,
      per_second(computed, timings.prompt_seconds),
      end.generated_tokens,
      timings.generate_seconds * 1000,
      per_second(end.generated_tokens, timings.generate_seconds));
}

std::string timings_json(int64_t generated_tokens, double generate_seconds) {
  return fmt::format(
      "{{\"predicted_n\":{},\"predicted_ms\":{:.3f},"
      "\"predicted_per_second\":{:.3f}}}",
      generated_tokens,
      generate_seconds * 1000,
      per_second(generated_tokens, generate_seconds));
}

std::string number_json(float logprob) {
  return std::isfinite(logprob) ? fmt::to_string(logprob) : "-9999.0";
}

std::string logprobs_json(
    std::span<const TokenInfo> tokens, const Tokenizer& tokenizer) {
  std::string out = "[";
  std::string_view separator;
  for (const TokenInfo& token : tokens) {
    out += separator;
    separator = ",";
    append_token(out, token.bytes, token.logprob);
    out += ",\"top_logprobs\":[";
    std::string_view inner;
    for (const auto& [id, logprob] : token.top_logprobs) {
      out += inner;
      inner = ",";
      append_token(out, tokenizer.bytes(id), logprob);
      out += '}';
    }
    out += "]}";
  }
  return out + "]";
}

std::string ids_json(std::span<const TokenInfo> tokens) {
  std::string out = "[";
  for (const TokenInfo& token : tokens) {
    if (out.size() > 1)
      out += ',';
    out += fmt::to_string(token.id);
  }
  return out + "]";
}

}  // namespace hadal
