// A histogram in the sense of Prometheus, safe from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

class Histogram {
 public:
  // `bounds` are the upper ends of the buckets, increasing; they must outlive
  // the histogram. One more bucket takes what is above.
  explicit Histogram(std::span<const double> bounds)
      : bounds_(bounds), counts_(bounds.size() + 1) {}

  void add(double value) {
    size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket])
      ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  // "# HELP", "# TYPE", buckets, sum and count.
  std::string text(std::string_view name, std::string_view help) const;

 private:
  std::span<const double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_ = 0;
};

}  // namespace hadal
