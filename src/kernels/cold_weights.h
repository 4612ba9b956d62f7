// Matrices that no cache holds, for timing kernels at the speed of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/huge_memory.h"
#include "kernels/weight_view.h"

namespace hadal {

// Copies of a random matrix in huge pages, together at least `bytes`, so that
// each next() comes from memory rather than from a cache.
class ColdWeights {
 public:
  // `like` gives format and shape (synthetic_weight.h).
  explicit ColdWeights(
      const WeightView& like, int64_t bytes = int64_t{256} << 20);

  const WeightView& next();
  const std::vector<WeightView>& views() const { return views_; }
  // Of one copy: codes, scales and biases.
  double bytes_of_one() const { return bytes_of_one_; }

 private:
  HugeMemory memory_;
  std::vector<WeightView> views_;
  size_t turn_ = 0;
  double bytes_of_one_ = 0;
};

}  // namespace hadal
