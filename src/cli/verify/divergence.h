// How far two distributions over the next token are apart.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace hadal::cli {

// KL(p || q) in nats of the distributions that two rows of logits (or
// log-probabilities: they are their own log-softmax) mean. Computed in float64.
// NaN or infinite when a row is not finite.
double kl_divergence(std::span<const float> p, std::span<const float> q);

// Largest |a - b| over the largest |a|: how far two arrays are apart as wholes.
double relative_error(std::span<const float> a, std::span<const float> b);

// Mean and maximum of what add() was given. A value that is not a number makes
// both infinite, so that no bar lets it pass.
class Statistics {
 public:
  void add(double value);
  bool empty() const { return count_ == 0; }
  double mean() const;
  double max() const { return max_; }

 private:
  int64_t count_ = 0;
  double sum_ = 0;
  double max_ = 0;
};

}  // namespace hadal::cli
