#include "generation/candidates.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>

#include "generation/token_weights.h"

namespace hadal {
namespace {

// Groups of similar weights, sixteen to a power of two: never decreasing with
// the weight.
constexpr int kSteps = 16;
constexpr size_t kGroups = 64 * kSteps;

size_t group_of(uint64_t weight) {
  const int exponent = static_cast<int>(std::bit_width(weight | 1)) - 1;
  const uint64_t fraction =
      exponent >= 4 ? weight >> (exponent - 4) : weight << (4 - exponent);
  return static_cast<size_t>(exponent) * kSteps + (fraction & (kSteps - 1));
}

// The smallest weight of a group: group_of the other way round.
uint64_t lightest_of(size_t group) {
  const size_t exponent = group / kSteps;
  const uint64_t digits = kSteps + group % kSteps;
  return exponent >= 4 ? digits << (exponent - 4) : digits >> (4 - exponent);
}

// The weights of the groups; tokens in blocks without one that weighs `least`
// are left out.
std::array<uint64_t, kGroups> group_sums(
    const TokenWeights& tokens, uint64_t least) {
  // Neighbours are often of one group: four tables, so that an addition does
  // not wait for the one before.
  constexpr size_t kTables = 4;
  std::array<std::array<uint64_t, kGroups>, kTables> tables{};
  for (size_t b = 0; b < tokens.peaks.size(); ++b) {
    if (tokens.peaks[b] < least)
      continue;
    size_t i = b * kTokenBlock;
    const size_t end = std::min(tokens.weights.size(), i + kTokenBlock);
    for (; i + kTables <= end; i += kTables)
      for (size_t t = 0; t < kTables; ++t)
        tables[t][group_of(tokens.weights[i + t])] += tokens.weights[i + t];
    for (; i < end; ++i)
      tables[0][group_of(tokens.weights[i])] += tokens.weights[i];
  }
  for (size_t t = 1; t < kTables; ++t)
    for (size_t g = 0; g < kGroups; ++g)
      tables[0][g] += tables[t][g];
  return tables[0];
}

// As last_needed for those that come after others which weigh `above`. Every
// round orders half of what the round before left.
Candidate last_needed_after(
    uint64_t above, std::vector<Candidate>& part, uint64_t wanted) {
  auto low = part.begin();
  auto high = part.end();
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
  return *low;
}

// The weight of a token that stays, else 0. A better token weighs at least as
// much, so only tokens that weigh as much as the last one need a closer look;
// for the others there is no branch.
uint64_t kept_weight(
    std::span<const float> logits,
    const Cut& cut,
    const TokenWeights& tokens,
    size_t i) {
  const uint64_t weight = tokens.weights[i];
  if (weight == cut.last.weight &&
      better(cut.last, {logits[i], static_cast<int32_t>(i)}))
    return 0;
  return weight >= std::max(cut.least, cut.last.weight) ? weight : 0;
}

}  // namespace

uint64_t total_weight(const std::vector<Candidate>& candidates) {
  uint64_t total = 0;
  for (const Candidate& candidate : candidates)
    total += candidate.weight;
  return total;
}

void collect_best(
    std::span<const float> logits,
    std::span<const float> maxima,
    int64_t count,
    std::vector<Candidate>& out) {
  const auto size = static_cast<int64_t>(logits.size());
  const auto blocks = static_cast<int64_t>(maxima.size());
  // As many blocks have a logit of at least that, so none of the best is lower.
  float bound = *std::min_element(maxima.begin(), maxima.end());
  if (count <= blocks) {
    std::vector<float> sorted(maxima.begin(), maxima.end());
    const auto last = sorted.begin() + (count - 1);
    std::nth_element(sorted.begin(), last, sorted.end(), std::greater<>());
    bound = *last;
  }
  out.clear();
  for (int64_t b = 0; b < blocks; ++b) {
    if (count <= blocks && maxima[static_cast<size_t>(b)] < bound)
      continue;
    const int64_t end = std::min(size, (b + 1) * kTokenBlock);
    for (int64_t i = b * kTokenBlock; i < end; ++i) {
      const float logit = logits[static_cast<size_t>(i)];
      if (count > blocks || logit >= bound)
        out.push_back({logit, static_cast<int32_t>(i), 0});
    }
  }
  if (static_cast<int64_t>(out.size()) <= count)
    return;
  std::vector<Candidate> sorted = out;
  const auto last = sorted.begin() + (count - 1);
  std::nth_element(sorted.begin(), last, sorted.end(), better);
  std::erase_if(out, [&](const Candidate& c) { return better(*last, c); });
}

uint64_t wanted_weight(float top_p, uint64_t total) {
  return std::clamp<uint64_t>(
      static_cast<uint64_t>(
          std::ceil(static_cast<double>(top_p) * static_cast<double>(total))),
      1,
      total);
}

Candidate last_needed(std::vector<Candidate>& candidates, uint64_t wanted) {
  return last_needed_after(0, candidates, wanted);
}

Candidate last_needed(
    std::span<const float> logits,
    const TokenWeights& tokens,
    uint64_t wanted,
    std::vector<Candidate>& scratch) {
  // Tokens that weigh less than an equal share of what may be left out cannot
  // be needed: all of them together stay below it.
  const uint64_t total =
      std::accumulate(tokens.sums.begin(), tokens.sums.end(), uint64_t{0});
  const uint64_t share = (total - wanted) / tokens.weights.size();
  // The group in which the weight from the top reaches `wanted`; only it needs
  // to be ordered.
  std::array<uint64_t, kGroups> groups = group_sums(tokens, share);
  size_t group = kGroups - 1;
  uint64_t above = 0;
  while (group > 0 && above + groups[group] < wanted)
    above += groups[group--];
  const uint64_t bottom = lightest_of(group);
  const size_t exponent = group / kSteps;
  const uint64_t width = exponent >= 4 ? uint64_t{1} << (exponent - 4) : 1;
  scratch.clear();
  for (size_t b = 0; b < tokens.peaks.size(); ++b) {
    if (tokens.peaks[b] < bottom)
      continue;
    const size_t end = std::min(logits.size(), (b + 1) * kTokenBlock);
    for (size_t i = b * kTokenBlock; i < end; ++i)
      if (tokens.weights[i] - bottom < width)
        scratch.push_back(
            {logits[i], static_cast<int32_t>(i), tokens.weights[i]});
  }
  return last_needed_after(above, scratch, wanted);
}

void sum_kept(
    std::span<const float> logits, const Cut& cut, TokenWeights& tokens) {
  const uint64_t least = std::max(cut.least, cut.last.weight);
  for (size_t b = 0; b < tokens.peaks.size(); ++b) {
    uint64_t sum = 0;
    const size_t end = std::min(logits.size(), (b + 1) * kTokenBlock);
    if (tokens.peaks[b] >= least)
      for (size_t i = b * kTokenBlock; i < end; ++i)
        sum += kept_weight(logits, cut, tokens, i);
    tokens.sums[b] = sum;
  }
}

int32_t token_at(
    std::span<const float> logits,
    const Cut& cut,
    const TokenWeights& tokens,
    uint64_t ticket) {
  size_t block = 0;
  while (ticket >= tokens.sums[block])
    ticket -= tokens.sums[block++];
  for (size_t i = block * kTokenBlock;; ++i) {
    const uint64_t weight = kept_weight(logits, cut, tokens, i);
    if (ticket < weight)
      return static_cast<int32_t>(i);
    ticket -= weight;
  }
}

}  // namespace hadal
