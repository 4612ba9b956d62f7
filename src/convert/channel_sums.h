// Sums of squares of what goes into the products of a running model. Internal
// to this folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/thread_team.h"
#include "convert/importance.h"
#include "convert/input_moments.h"
#include "kernels/experts/experts_params.h"
#include "kernels/linear/linear_params.h"

namespace hadal {

class ChannelSums {
 public:
  // The products of a model are known by where their weights lie.
  explicit ChannelSums(const std::vector<SourceTensor>& tensors);

  // A product that is none of the matrices (the gate, hyper-connections) is not
  // counted.
  void add_product(const LinearParams& params, ThreadTeam& team);
  // The inputs of all experts that the tokens reach: of w1 and w3 the tokens
  // themselves, of w2 what comes out of the two, computed here once more.
  void add_experts(const ExpertsParams& params, ThreadTeam& team);

  // Mean squares and moments of all that was seen.
  Importance importance() const;

 private:
  struct Sum {
    std::vector<double> squares;  // [columns]
    int64_t vectors = 0;
  };
  // What one layer's experts are called.
  struct Layer {
    std::string tokens;  // the names of w1 and w3's input
    std::string tokens_up;
    std::vector<std::string> inner;  // of w2, one an expert
    std::string use;
    std::string shared_gate, shared_up, shared_down;
    std::vector<int64_t> uses;  // of each expert
    int64_t seen = 0;           // tokens
  };

  void add(
      const std::string& name,
      const float* x,
      int64_t stride,
      int64_t rows,
      int64_t cols,
      ThreadTeam& team);
  // silu(W1 x) * W3 x with the clamps of the experts, times each row's weight.
  std::vector<float> inner_values(
      const ExpertsParams& params,
      const WeightView& gate,
      const WeightView& up,
      const std::vector<float>& x,
      const std::vector<float>& weights,
      ThreadTeam& team) const;
  void add_shared(
      const ExpertsParams& params, const Layer& layer, ThreadTeam& team);

  std::unordered_map<const std::byte*, std::string> names_;
  // By the first expert's w1.
  std::unordered_map<const std::byte*, Layer> layers_;
  std::map<std::string, Sum> sums_;
  // Of the matrices that stand for others too, by name: how wide the blocks
  // are, and the sums.
  std::map<std::string, int64_t> blocks_;
  std::map<std::string, MomentSum> moments_;
};

}  // namespace hadal
