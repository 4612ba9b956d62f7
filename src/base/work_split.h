// How a thread team cuts [0, count) into the ranges that its members claim.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hadal {

// Ranges come in rounds of one a member, each round with half of what the one
// before had, and the last with the rest: long runs of neighbouring rows first,
// since memory likes them, and short ones at the end, so that all members stop
// at about the same time even when one of them lost its core for a while. A
// range is a multiple of `grain` long except the last.
class WorkSplit {
 public:
  // count > 0, grain > 0, members > 0.
  WorkSplit(int64_t count, int64_t grain, int64_t members)
      : count_(count),
        grain_(grain),
        grains_((count + grain - 1) / grain),
        members_(std::min(members, grains_)) {
    while (rounds_ < kMaxRounds && members_ << rounds_ <= grains_)
      ++rounds_;
  }

  int64_t ranges() const { return members_ * rounds_; }
  // The start of range `index`; range `ranges()` begins at count.
  int64_t begin(int64_t index) const {
    const int64_t round = std::min(index / members_, rounds_ - 1);
    const int64_t place = index - round * members_;
    // In shares of 1 / (members * 2^(rounds - 1)).
    const int64_t all = int64_t{1} << (rounds_ - 1);
    const int64_t left = all >> round;
    const int64_t share = round == rounds_ - 1 ? left : left / 2;
    const int64_t at = (all - left) * members_ + place * share;
    return std::min(count_, grains_ * at / (all * members_) * grain_);
  }

  static constexpr int64_t kMaxRounds = 5;

 private:
  int64_t count_;
  int64_t grain_;
  int64_t grains_;
  int64_t members_;
  int64_t rounds_ = 1;
};

}  // namespace hadal
