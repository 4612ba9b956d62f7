// Which tokens visit which expert, in the order in which the CPU works.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/experts/experts_params.h"

namespace hadal {

// Pairs [begin, end) of the plan's list: tokens that visit one expert.
struct ExpertVisit {
  const WeightView* gate;
  const WeightView* up;
  const WeightView* down;
  bool shared;
  int64_t begin;
  int64_t end;

  int64_t pairs() const { return end - begin; }
};

// The pairs (token, expert) sorted by expert, the shared expert last; the pairs
// of an expert in the order of the tokens. They are cut into pieces of at most
// kMaxPairs, at the borders of experts where an expert has no more than that:
// so its weights are read once, and what lies between its products fits in the
// last-level cache.
class VisitPlan {
 public:
  static constexpr int64_t kMaxPairs = 512;

  // Replaces the plan; memory is kept from call to call. `params` must live as
  // long as the plan is used.
  void make(const ExpertsParams& params);

  // The next piece, in visits(), of consecutive pairs. False at the end.
  bool next_piece();
  const std::vector<ExpertVisit>& visits() const { return visits_; }

  // [pairs]
  const int32_t* tokens() const { return tokens_.data(); }
  const float* weights() const { return weights_.data(); }

 private:
  void sort_routed_pairs();
  ExpertVisit visit(int64_t expert, int64_t begin, int64_t end) const;

  const ExpertsParams* params_ = nullptr;
  // The experts, then the shared one where there is one.
  int64_t experts_ = 0;
  std::vector<int64_t> first_;  // [experts_ + 1]: an expert's first pair
  std::vector<int32_t> tokens_;
  std::vector<float> weights_;
  std::vector<ExpertVisit> visits_;
  int64_t expert_ = 0;  // where the next piece begins
  int64_t pair_ = 0;
};

// Cuts the rows of gate and up of a piece into ranges of equal cost: a range
// [begin, end) of [0, total()) stands for the blocks of kBlockRows rows whose
// cost begins in it.
class VisitCosts {
 public:
  static constexpr int64_t kBlockRows = 32;

  void make(const std::vector<ExpertVisit>& visits);
  int64_t total() const { return first_.back(); }

  // Calls body(visit, first row, end row) for the runs of rows in the range,
  // in order.
  template <class Body>
  void for_each_run(int64_t begin, int64_t end, const Body& body) const {
    for (size_t v = 0; v < cost_.size(); ++v) {
      const int64_t first = block_at(v, begin);
      const int64_t last = block_at(v, end);
      if (first < last)
        body(
            v,
            first * kBlockRows,
            last == blocks_[v] ? rows_[v] : last * kBlockRows);
    }
  }

 private:
  // The first block of visit v that begins at `cost` or later.
  int64_t block_at(size_t v, int64_t cost) const;

  std::vector<int64_t> first_;   // [visits + 1]: where a visit's cost begins
  std::vector<int64_t> cost_;    // of one block
  std::vector<int64_t> blocks_;  // of the visit
  std::vector<int64_t> rows_;
};

}  // namespace hadal
