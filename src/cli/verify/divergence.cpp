#include "cli/verify/divergence.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/check.h"

namespace hadal::cli {
namespace {

// log(sum(exp(row))), safe for large logits.
double log_sum_exp(std::span<const float> row) {
  const auto top =
      static_cast<double>(*std::max_element(row.begin(), row.end()));
  double sum = 0;
  for (const float x : row)
    sum += std::exp(static_cast<double>(x) - top);
  return top + std::log(sum);
}

}  // namespace

double kl_divergence(std::span<const float> p, std::span<const float> q) {
  HADAL_CHECK(p.size() == q.size() && !p.empty());
  const double p_norm = log_sum_exp(p);
  const double q_norm = log_sum_exp(q);
  double kl = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double p_log = static_cast<double>(p[i]) - p_norm;
    const double q_log = static_cast<double>(q[i]) - q_norm;
    const double share = std::exp(p_log);
    if (share != 0)
      kl += share * (p_log - q_log);
  }
  // Rounding may leave a tiny negative number for equal rows.
  return kl < 0 ? 0 : kl;
}

double relative_error(std::span<const float> a, std::span<const float> b) {
  HADAL_CHECK(a.size() == b.size());
  double difference = 0;
  double size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d =
        std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!std::isfinite(d))
      return std::numeric_limits<double>::infinity();
    difference = std::max(difference, d);
    size = std::max(size, std::abs(static_cast<double>(a[i])));
  }
  return difference == 0 ? 0 : difference / size;
}

void Statistics::add(double value) {
  if (!std::isfinite(value))
    value = std::numeric_limits<double>::infinity();
  ++count_;
  sum_ += value;
  max_ = std::max(max_, value);
}

double Statistics::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

}  // namespace hadal::cli
