// How much an error in each input channel of a matrix counts when its codes are
// searched for.
//
// Measured importance (importance.h) where there is one. Otherwise the gain of
// the norm that the input comes through: a normalised vector has a mean square
// of one, so on average its channel c carries gain[c]^2. Matrices whose input
// is no norm's output (w2, wo_a, wo_b, the embedding) count all channels the
// same.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "convert/importance.h"
#include "convert/source_tensors.h"

namespace hadal {

class ChannelWeights {
 public:
  // Copies the gains; `importance` may be null and outlives this.
  ChannelWeights(
      const std::vector<SourceTensor>& tensors, const Importance* importance);

  // [columns] for an item of a matrix, each >= 0, or null: all the same.
  const float* of(const SourceTensor& source, int64_t item) const;

 private:
  using Key = std::pair<std::pair<TensorScope, int64_t>, TensorId>;
  static Key key(BlockIndex block, TensorId id) {
    return {{block.scope, block.number}, id};
  }

  const Importance* importance_;
  std::map<Key, std::vector<float>> squared_gains_;  // by block and norm
};

}  // namespace hadal
