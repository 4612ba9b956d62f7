// The extents of a stored tensor, without an allocation a tensor.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "base/check.h"

namespace hadal {

// No tensor of the formats we read has more than 3 dimensions.
inline constexpr int kMaxTensorRank = 8;

class TensorShape {
 public:
  TensorShape() = default;
  TensorShape(std::initializer_list<int64_t> extents) {
    for (int64_t extent : extents)
      push_back(extent);
  }

  // At most kMaxTensorRank times.
  void push_back(int64_t extent) {
    HADAL_CHECK(rank_ < kMaxTensorRank);
    extents_[static_cast<size_t>(rank_++)] = extent;
  }

  int rank() const { return rank_; }
  int64_t operator[](int axis) const {
    return extents_[static_cast<size_t>(axis)];
  }
  const int64_t* begin() const { return extents_.data(); }
  const int64_t* end() const { return extents_.data() + rank_; }
  bool operator==(const TensorShape& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

  // The product of the extents; empty when it does not fit.
  std::optional<int64_t> elements() const;
  // "[24, 1536]"
  std::string text() const;

 private:
  std::array<int64_t, kMaxTensorRank> extents_{};
  int rank_ = 0;
};

}  // namespace hadal
