// Random outputs.
#include "generation/grammar/testing/grammar_walk.h"

#include <algorithm>
#include <array>
#include <random>

#include "generation/sampler.h"
#include "text/prompt_format.h"

namespace hadal {
namespace {

constexpr float kEndLogit = 3;
constexpr float kRiseAToken = 0.25F;
constexpr float kMostRise = 40;

bool consists_of(std::string_view bytes, std::string_view characters) {
  return !bytes.empty() &&
         bytes.find_first_not_of(characters) == std::string_view::npos;
}

}  // namespace

std::vector<int32_t> byte_tokens(
    const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> tokens;
  while (!text.empty()) {
    const bool is_marker = text.starts_with(kDsmlMarker);
    const size_t length = is_marker ? kDsmlMarker.size() : 1;
    tokens.push_back(tokenizer.find(text.substr(0, length)).value());
    text.remove_prefix(length);
  }
  return tokens;
}

bool follows(TokenConstraint& constraint, const std::vector<int32_t>& tokens) {
  return std::all_of(tokens.begin(), tokens.end(), [&](int32_t token) {
    if (!constraint.mask().allows(token))
      return false;
    constraint.accept(token);
    return true;
  });
}

bool accepts_text(
    const TokenConstraint& constraint,
    const Tokenizer& tokenizer,
    std::string_view text) {
  std::unique_ptr<TokenConstraint> copy = constraint.clone();
  return follows(*copy, byte_tokens(tokenizer, text)) &&
         copy->mask().allows(tokenizer.eos_id());
}

WalkResult random_walk(
    TokenConstraint& constraint,
    const Tokenizer& tokenizer,
    const WalkOptions& options) {
  const size_t vocabulary = static_cast<size_t>(tokenizer.size());
  std::vector<float> fixed(vocabulary);
  std::vector<float> direction(vocabulary);
  // Each walk likes other first bytes, so that walks differ where few of the
  // many allowed tokens lead to something new.
  std::mt19937 engine(static_cast<uint32_t>(options.seed));
  std::array<float, 256> taste{};
  for (float& liking : taste)
    liking = static_cast<float>(engine() % 1024) / 128;
  for (size_t id = 0; id < vocabulary; ++id) {
    std::string_view bytes = tokenizer.bytes(static_cast<int32_t>(id));
    fixed[id] = options.per_byte *
                static_cast<float>(std::min<size_t>(bytes.size(), 12));
    if (!bytes.empty())
      fixed[id] += taste[static_cast<uint8_t>(bytes[0])];
    if (consists_of(bytes, "\"}]") || consists_of(bytes, "</>"))
      direction[id] = 1;
    else if (bytes.find_first_of("{[,") != std::string_view::npos)
      direction[id] = -1;
  }
  const size_t end = static_cast<size_t>(tokenizer.eos_id());
  fixed[end] = kEndLogit;
  direction[end] = 1;

  SamplingOptions sampling;
  sampling.temperature = options.temperature;
  sampling.seed = options.seed;
  Sampler sampler(sampling, tokenizer.size(), {});
  WalkResult result;
  std::vector<float> logits(vocabulary);
  for (int step = 0; step < options.max_tokens; ++step) {
    const float rise = std::clamp(
        kRiseAToken * static_cast<float>(step - options.patience),
        0.0F,
        kMostRise);
    for (size_t id = 0; id < vocabulary; ++id) {
      // A sum of uniform numbers looks enough like a normal one.
      const uint32_t bits = static_cast<uint32_t>(engine());
      const uint32_t sum = (bits & 255) + ((bits >> 8) & 255) +
                           ((bits >> 16) & 255) + (bits >> 24);
      const float noise = (static_cast<float>(sum) - 510) / 64;
      logits[id] = noise + fixed[id] + rise * direction[id];
    }
    const int32_t token = sampler.sample(logits, constraint.mask()).token;
    constraint.accept(token);
    if (token == tokenizer.eos_id()) {
      result.ended = true;
      break;
    }
    sampler.accept(token);
    result.tokens.push_back(token);
    result.text += tokenizer.bytes(token);
  }
  return result;
}

}  // namespace hadal
