#include "generation/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "generation/option_checks.h"
#include "generation/probability_weight.h"
#include "generation/random.h"
#include "generation/token_weights.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr float kExcluded = -std::numeric_limits<float>::infinity();
constexpr float kMaxFloat = std::numeric_limits<float>::max();

// The upper half of a product: `bits` of 64 random bits become a number below
// `total`, each with the same chance up to 2^-64 * total.
uint64_t scale_to(uint64_t bits, uint64_t total) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(static_cast<Wide>(bits) * total >> 64);
}

}  // namespace

Sampler::Sampler(
    const SamplingOptions& options,
    int64_t vocabulary,
    std::span<const int32_t> prompt)
    : options_(options),
      vocabulary_(vocabulary),
      seed_(options.seed ? *options.seed : fresh_seed()) {
  HADAL_CHECK(vocabulary > 0 && vocabulary <= kMaxWeighedTokens);
  if (const auto failure = check_options(options, vocabulary))
    throw Error(failure->code, failure->message);
  for (const int32_t id : prompt) {
    if (id < 0 || id >= vocabulary) {
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format(
              "the prompt has token {}; the vocabulary has ids 0 to {}",
              id,
              vocabulary - 1));
    }
    if (options.repetition_penalty != 1)
      seen_[id].in_prompt = true;
  }
}

void Sampler::accept(int32_t token) {
  HADAL_CHECK(token >= 0 && token < vocabulary_);
  ++seen_[token].output_count;
  outputs_.push_back(token);
}

void Sampler::rewind(int64_t outputs) {
  HADAL_CHECK(outputs >= 0 && outputs <= this->outputs());
  while (this->outputs() > outputs) {
    --seen_[outputs_.back()].output_count;
    outputs_.pop_back();
  }
}

Choice Sampler::sample(
    std::span<const float> logits,
    const TokenMask& mask,
    std::span<const int32_t> banned,
    bool greedy) {
  take(logits);
  penalise();
  exclude(mask, banned);
  const Candidate top = best();
  if (top.logit == kExcluded) {
    throw Error(
        ErrorCode::invalid_argument,
        "every token is excluded: the grammar, the bias and the banned tokens "
        "leave nothing to sample");
  }
  Choice choice;
  choice.token = greedy || options_.temperature == 0 ? top.id : draw(top.logit);
  if (options_.logprobs >= 0)
    add_logprobs(logits, choice);
  return choice;
}

void Sampler::take(std::span<const float> logits) {
  if (static_cast<int64_t>(logits.size()) != vocabulary_) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "{} logits to sample from; the vocabulary has {} tokens",
            logits.size(),
            vocabulary_));
  }
  adjusted_.resize(logits.size());
  if (!copy_logits(logits.data(), vocabulary_, adjusted_.data())) {
    const auto bad = std::find_if_not(
        logits.begin(), logits.end(), [](float l) { return l <= kMaxFloat; });
    throw Error(
        ErrorCode::internal,
        fmt::format(
            "the logit of token {} is {}; the forward pass or the weights are "
            "broken",
            bad - logits.begin(),
            *bad));
  }
}

void Sampler::penalise() {
  const bool penalties = options_.repetition_penalty != 1 ||
                         options_.frequency_penalty != 0 ||
                         options_.presence_penalty != 0;
  for (const auto& [id, seen] : seen_) {
    if (!penalties)
      break;
    float& logit = adjusted_[static_cast<size_t>(id)];
    if (seen.in_prompt || seen.output_count > 0) {
      const float r = options_.repetition_penalty;
      logit = std::min(logit > 0 ? logit / r : logit * r, kMaxFloat);
    }
    if (seen.output_count > 0) {
      logit -=
          options_.frequency_penalty * static_cast<float>(seen.output_count);
      logit -= options_.presence_penalty;
    }
  }
  for (const auto& [id, bias] : options_.logit_bias)
    adjusted_[static_cast<size_t>(id)] += bias;
}

void Sampler::exclude(const TokenMask& mask, std::span<const int32_t> banned) {
  if (!mask.everything()) {
    for (int32_t id = 0; id < vocabulary_; ++id) {
      if (!mask.allows(id))
        adjusted_[static_cast<size_t>(id)] = kExcluded;
    }
  }
  for (const int32_t id : banned) {
    if (id >= 0 && id < vocabulary_)
      adjusted_[static_cast<size_t>(id)] = kExcluded;
  }
}

// Fills maxima_, too.
Candidate Sampler::best() {
  maxima_.resize(static_cast<size_t>(token_blocks(vocabulary_)));
  block_maxima(adjusted_.data(), vocabulary_, maxima_.data());
  const auto block = std::max_element(maxima_.begin(), maxima_.end());
  const auto top = std::find(
      adjusted_.begin() + (block - maxima_.begin()) * kTokenBlock,
      adjusted_.end(),
      *block);
  return {*top, static_cast<int32_t>(top - adjusted_.begin()), 0};
}

int32_t Sampler::draw(float highest) {
  const double scale = kLog2E / static_cast<double>(options_.temperature);
  if (options_.top_k > 0 && options_.top_k < vocabulary_)
    return draw_of_top_k(highest, scale);
  return draw_of_all(highest, scale);
}

int32_t Sampler::draw_of_top_k(float highest, double scale) {
  collect_best(adjusted_, maxima_, options_.top_k, candidates_);
  for (Candidate& candidate : candidates_)
    candidate.weight = weight_of(
        (static_cast<double>(candidate.logit) - static_cast<double>(highest)) *
        scale);
  Cut cut{.least = least_weight()};
  if (options_.top_p < 1) {
    sorted_ = candidates_;
    cut.last = last_needed(
        sorted_, wanted_weight(options_.top_p, total_weight(candidates_)));
  }
  std::erase_if(candidates_, [&](const Candidate& c) {
    return c.weight < cut.least || better(cut.last, c);
  });
  uint64_t left = ticket(total_weight(candidates_));
  for (const Candidate& candidate : candidates_) {
    if (left < candidate.weight)
      return candidate.id;
    left -= candidate.weight;
  }
  HADAL_CHECK(false);  // tickets are below the total
  return -1;
}

int32_t Sampler::draw_of_all(float highest, double scale) {
  weigh_tokens(adjusted_, static_cast<double>(highest), scale, tokens_);
  const auto total = [&] {
    return std::accumulate(
        tokens_.sums.begin(), tokens_.sums.end(), uint64_t{0});
  };
  Cut cut{.least = least_weight()};
  if (options_.top_p < 1)
    cut.last = last_needed(
        adjusted_, tokens_, wanted_weight(options_.top_p, total()), sorted_);
  if (options_.top_p < 1 || options_.min_p > 0)
    sum_kept(adjusted_, cut, tokens_);
  return token_at(adjusted_, cut, tokens_, ticket(total()));
}

uint64_t Sampler::least_weight() const {
  return static_cast<uint64_t>(std::ceil(
      static_cast<double>(options_.min_p) * static_cast<double>(kFullWeight)));
}

// The number of this draw, below `total`.
uint64_t Sampler::ticket(uint64_t total) const {
  return scale_to(random_bits(seed_, static_cast<uint64_t>(outputs())), total);
}

void Sampler::add_logprobs(std::span<const float> logits, Choice& choice) {
  // Of the raw logits, which penalties and the mask may have changed.
  block_maxima(logits.data(), vocabulary_, maxima_.data());
  const double highest = *std::max_element(maxima_.begin(), maxima_.end());
  powers_.resize(logits.size());
  token_powers(logits.data(), vocabulary_, highest, kLog2E, powers_.data());
  const double log_sum =
      highest + std::log(std::accumulate(powers_.begin(), powers_.end(), 0.0));
  const auto logprob = [&](int32_t id) {
    const float logit = logits[static_cast<size_t>(id)];
    return static_cast<float>(static_cast<double>(logit) - log_sum);
  };
  choice.logprob = logprob(choice.token);

  const int64_t count = std::min<int64_t>(options_.logprobs, vocabulary_);
  if (count == 0)
    return;
  collect_best(logits, maxima_, count, candidates_);
  std::sort(candidates_.begin(), candidates_.end(), better);
  for (const Candidate& candidate : candidates_)
    choice.logprobs.emplace_back(candidate.id, logprob(candidate.id));
}

}  // namespace hadal
