#include "cli/speeds.h"

#include <fmt/format.h>

#include <algorithm>

namespace hadal::cli {
namespace {

double rate(int64_t tokens, double seconds) {
  return tokens > 0 && seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

std::string shown(double per_second) {
  return per_second < 100 ? fmt::format("{:.1f}", per_second)
                          : fmt::format("{:.0f}", per_second);
}

}  // namespace

double prompt_tokens_per_second(const Summary& summary) {
  return rate(
      summary.prompt_tokens - summary.reused_tokens, summary.prompt_seconds);
}

// The first token needs no step of its own: the prompt's logits give it.
double answer_tokens_per_second(const Summary& summary) {
  return rate(summary.generated_tokens - 1, summary.generate_seconds);
}

std::string speed_line(const Summary& summary) {
  const std::string reused =
      summary.reused_tokens > 0
          ? fmt::format(" ({} reused)", summary.reused_tokens)
          : "";
  return fmt::format(
      "prompt {} tokens{} {}/s, answer {} tokens {}/s",
      summary.prompt_tokens,
      reused,
      shown(prompt_tokens_per_second(summary)),
      summary.generated_tokens,
      shown(answer_tokens_per_second(summary)));
}

}  // namespace hadal::cli
