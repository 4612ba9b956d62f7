#include "generation/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "generation/option_checks.h"
#include "generation/probability_weight.h"
#include "generation/random.h"
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
    std::span<const int32_t> banned) {
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
  choice.token = options_.temperature == 0 ? top.id : draw(top.logit);
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
  const auto bad = std::find_if_not(
      logits.begin(), logits.end(), [](float l) { return l <= kMaxFloat; });
  if (bad != logits.end()) {
    throw Error(
        ErrorCode::internal,
        fmt::format(
            "the logit of token {} is {}; the forward pass or the weights are "
            "broken",
            bad - logits.begin(),
            *bad));
  }
  adjusted_.assign(logits.begin(), logits.end());
}

void Sampler::penalise() {
  for (const auto& [id, seen] : seen_) {
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

Sampler::Candidate Sampler::best() const {
  const auto top = std::max_element(adjusted_.begin(), adjusted_.end());
  return {*top, static_cast<int32_t>(top - adjusted_.begin()), 0};
}

int32_t Sampler::draw(float highest) {
  const double scale = kLog2E / static_cast<double>(options_.temperature);
  const auto below = [&](float logit) {
    return (static_cast<double>(logit) - static_cast<double>(highest)) * scale;
  };
  candidates_.clear();
  for (int32_t id = 0; id < vocabulary_; ++id) {
    const float logit = adjusted_[static_cast<size_t>(id)];
    // Anything lower weighs nothing.
    if (below(logit) > -(kWeightBits + 2))
      candidates_.push_back({logit, id, 0});
  }
  keep_top_k();
  for (Candidate& candidate : candidates_)
    candidate.weight = weight_of(below(candidate.logit));
  keep_top_p();
  keep_min_p();

  const uint64_t step = static_cast<uint64_t>(outputs());
  uint64_t ticket = scale_to(random_bits(seed_, step), total_weight());
  for (const Candidate& candidate : candidates_) {
    if (ticket < candidate.weight)
      return candidate.id;
    ticket -= candidate.weight;
  }
  HADAL_CHECK(false);  // tickets are below the total
  return -1;
}

uint64_t Sampler::total_weight() const {
  uint64_t total = 0;
  for (const Candidate& candidate : candidates_)
    total += candidate.weight;
  return total;
}

void Sampler::keep_down_to(const Candidate& last) {
  std::erase_if(
      candidates_, [&](const Candidate& c) { return better(last, c); });
}

void Sampler::keep_top_k() {
  const auto count = static_cast<int64_t>(candidates_.size());
  if (options_.top_k == 0 || options_.top_k >= count)
    return;
  sorted_ = candidates_;
  const auto last = sorted_.begin() + (options_.top_k - 1);
  std::nth_element(sorted_.begin(), last, sorted_.end(), better);
  keep_down_to(*last);
}

void Sampler::keep_top_p() {
  if (options_.top_p >= 1)
    return;
  const uint64_t total = total_weight();
  const auto wanted = std::clamp<uint64_t>(
      static_cast<uint64_t>(std::ceil(
          static_cast<double>(options_.top_p) * static_cast<double>(total))),
      1,
      total);
  // Tokens that weigh less than an equal share of what may be left out cannot
  // be needed: all of them together stay below it.
  const uint64_t least = (total - wanted) / candidates_.size();
  sorted_.clear();
  std::copy_if(
      candidates_.begin(),
      candidates_.end(),
      std::back_inserter(sorted_),
      [&](const Candidate& c) { return c.weight >= least; });

  // Search for the last token of the smallest top that weighs enough; every
  // round orders half of what the round before left.
  auto low = sorted_.begin();
  auto high = sorted_.end();
  uint64_t above = 0;  // the weight of the tokens before low
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    std::nth_element(low, middle, high, better);
    uint64_t weight = above;
    for (auto it = low; it != middle; ++it)
      weight += it->weight;
    if (weight >= wanted) {
      high = middle;
    } else {
      above = weight;
      low = middle;
    }
  }
  keep_down_to(*low);
}

void Sampler::keep_min_p() {
  if (options_.min_p == 0)
    return;
  const double least =
      static_cast<double>(options_.min_p) * static_cast<double>(kFullWeight);
  std::erase_if(candidates_, [&](const Candidate& c) {
    return static_cast<double>(c.weight) < least;
  });
}

void Sampler::add_logprobs(std::span<const float> logits, Choice& choice) {
  const float highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) {
    sum += power_of_two(
        (static_cast<double>(logit) - static_cast<double>(highest)) * kLog2E);
  }
  const double log_sum = static_cast<double>(highest) + std::log(sum);
  const auto logprob = [&](int32_t id) {
    const float logit = logits[static_cast<size_t>(id)];
    return static_cast<float>(static_cast<double>(logit) - log_sum);
  };
  choice.logprob = logprob(choice.token);

  const int64_t count = std::min<int64_t>(options_.logprobs, vocabulary_);
  sorted_.clear();
  for (int32_t id = 0; id < vocabulary_; ++id)
    sorted_.push_back({logits[static_cast<size_t>(id)], id, 0});
  std::partial_sort(
      sorted_.begin(), sorted_.begin() + count, sorted_.end(), better);
  for (int64_t i = 0; i < count; ++i) {
    const int32_t id = sorted_[static_cast<size_t>(i)].id;
    choice.logprobs.emplace_back(id, logprob(id));
  }
}

}  // namespace hadal
