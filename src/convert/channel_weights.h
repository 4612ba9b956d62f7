// How much an error in each input channel of a matrix counts when its codes are
// searched for: the mean square of what comes in.
//
// Measured importance (importance.h) where there is any. Otherwise what the
// model's own weights say about it, up to a factor:
//   behind a norm        gain[c]^2: a normalised vector has mean square one
//   wo_a                 the same for the norm of the rows that attention
//   mixes,
//                        once a head
//   wo_b                 |row c of wo_a|^2
//   w2                   |row c of w1|^2 * |row c of w3|^2, their channels
//                        weighted by the norm before: silu(g) * u for small g
// The embedding's input is a choice of a row: all channels count the same.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "convert/importance.h"
#include "convert/input_moments.h"
#include "convert/source_tensors.h"

namespace hadal {

// What the errors of an item's rows cost, and what it points into.
struct ItemMetric {
  ErrorMetric metric;
  std::shared_ptr<const ErrorFactors> factors;
  std::vector<float> channels;
};

class ChannelWeights {
 public:
  // `importance` may be null; both outlive this.
  ChannelWeights(
      const std::vector<SourceTensor>& tensors, const Importance* importance);

  // Of an item of a matrix: with what goes together where that was measured,
  // else the channels alone. Points into this or into `out`. For all threads,
  // each with its own `out`. Throws Error(invalid_argument) for measured
  // moments that no inputs have.
  void metric(const SourceTensor& source, int64_t item, ItemMetric& out) const;

 private:
  // Factors that threads make and use at the same time: one makes them, the
  // others wait.
  struct Shared {
    const InputMoments* moments;
    std::once_flag once;
    std::shared_ptr<const ErrorFactors> factors;
  };
  std::shared_ptr<const ErrorFactors> factors(
      const InputMoments& moments) const;
  const float* channels(
      const SourceTensor& source,
      int64_t item,
      std::vector<float>& scratch) const;

  using Key = std::pair<std::pair<TensorScope, int64_t>, TensorId>;
  static Key key(BlockIndex block, TensorId id) {
    return {{block.scope, block.number}, id};
  }
  const float* squared_gains(BlockIndex block, TensorId norm) const;
  void attention_channels(
      const SourceTensor& wo_a, std::vector<float>& out) const;
  void output_channels(const SourceTensor& wo_b, std::vector<float>& out) const;
  void inner_channels(
      const SourceTensor& w2,
      int64_t item,
      TensorId gate,
      TensorId up,
      std::vector<float>& out) const;

  const Importance* importance_;
  std::map<Key, std::vector<float>> squared_gains_;  // by block and norm
  std::map<Key, std::vector<WeightView>> matrices_;  // whose rows say something
  mutable std::mutex mutex_;
  mutable std::list<std::shared_ptr<Shared>> recent_;  // the latest first
};

}  // namespace hadal
