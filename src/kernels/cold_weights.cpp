#include "kernels/cold_weights.h"

#include <cmath>

#include "kernels/synthetic_weight.h"

namespace hadal {

ColdWeights::ColdWeights(const WeightView& like, int64_t bytes)
    : bytes_of_one_(static_cast<double>(stored_bytes(like))) {
  const int64_t one = layout_bytes(like);
  const int64_t copies = (bytes + one - 1) / one;
  memory_ = HugeMemory(static_cast<size_t>(copies * one));
  for (int64_t i = 0; i < copies; ++i) {
    views_.push_back(lay_out_weight(like, memory_.data() + i * one));
    fill_weight(
        views_.back(),
        static_cast<uint64_t>(i),
        1 / std::sqrt(static_cast<double>(like.cols)));
  }
}

const WeightView& ColdWeights::next() {
  const WeightView& view = views_[turn_];
  turn_ = (turn_ + 1) % views_.size();
  return view;
}

}  // namespace hadal
