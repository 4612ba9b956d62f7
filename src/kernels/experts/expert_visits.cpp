#include "kernels/experts/expert_visits.h"

#include <algorithm>

namespace hadal {
namespace {

// What a row of gate and up costs: reading it from memory, or multiplying it
// with the visit's tokens. In units of an int8 product with one token of
// 4,096 columns, about 7 ns; a core reads some 180 bytes in that time. Only the
// balance between threads depends on it.
constexpr int64_t kBytesPerUnit = 180;
constexpr int64_t kColumnsPerUnit = 4096;

int64_t row_cost(const ExpertVisit& visit) {
  const WeightView& gate = *visit.gate;
  const bool bytes =
      gate.format == WeightFormat::mxfp4 || gate.format == WeightFormat::affine;
  const int64_t products =
      visit.pairs() * gate.cols * (bytes ? 1 : 2) / kColumnsPerUnit;
  return 1 + gate.row_bytes / kBytesPerUnit + products;
}

}  // namespace

void VisitPlan::make(const ExpertsParams& params) {
  params_ = &params;
  const bool shared = !params.shared_gate.empty();
  experts_ = params.experts.experts + (shared ? 1 : 0);
  const int64_t routed = params.tokens * params.per_token;
  const int64_t pairs = routed + (shared ? params.tokens : 0);
  first_.assign(static_cast<size_t>(experts_) + 1, 0);
  tokens_.resize(static_cast<size_t>(pairs));
  weights_.resize(static_cast<size_t>(pairs));
  sort_routed_pairs();
  if (shared) {
    first_.back() = pairs;
    for (int64_t t = 0; t < params.tokens; ++t) {
      tokens_[static_cast<size_t>(routed + t)] = static_cast<int32_t>(t);
      weights_[static_cast<size_t>(routed + t)] = 1;
    }
  }
  expert_ = 0;
  pair_ = 0;
}

// By counting; a token's pairs with one expert keep their order.
void VisitPlan::sort_routed_pairs() {
  const ExpertsParams& params = *params_;
  const int64_t experts = params.experts.experts;
  const int64_t routed = params.tokens * params.per_token;
  int64_t* const first = first_.data();
  for (int64_t i = 0; i < routed; ++i)
    ++first[params.indices[i] + 1];
  for (int64_t e = 0; e < experts; ++e)
    first[e + 1] += first[e];
  for (int64_t i = 0; i < routed; ++i) {
    const int64_t at = first[params.indices[i]]++;
    tokens_[static_cast<size_t>(at)] =
        static_cast<int32_t>(i / params.per_token);
    weights_[static_cast<size_t>(at)] = params.weights[i];
  }
  // Every entry has moved to the end of its expert: shift them back.
  for (int64_t e = experts; e > 0; --e)
    first[e] = first[e - 1];
  first[0] = 0;
}

ExpertVisit VisitPlan::visit(int64_t expert, int64_t begin, int64_t end) const {
  const ExpertWeights& all = params_->experts;
  if (expert < all.experts)
    return {
        &all.gate[expert],
        &all.up[expert],
        &all.down[expert],
        false,
        begin,
        end};
  return {
      &params_->shared_gate,
      &params_->shared_up,
      &params_->shared_down,
      true,
      begin,
      end};
}

bool VisitPlan::next_piece() {
  visits_.clear();
  const int64_t begin = pair_;
  for (; expert_ < experts_; ++expert_) {
    const int64_t end = first_[static_cast<size_t>(expert_) + 1];
    if (pair_ == end)
      continue;
    const int64_t room = begin + kMaxPairs - pair_;
    if (end - pair_ > room && !visits_.empty())
      return true;
    const int64_t last = std::min(end, pair_ + room);
    visits_.push_back(visit(expert_, pair_, last));
    pair_ = last;
    if (last < end)
      return true;
  }
  return !visits_.empty();
}

void VisitCosts::make(const std::vector<ExpertVisit>& visits) {
  first_.assign(1, 0);
  cost_.clear();
  blocks_.clear();
  rows_.clear();
  for (const ExpertVisit& visit : visits) {
    const int64_t rows = visit.gate->rows;
    rows_.push_back(rows);
    blocks_.push_back((rows + kBlockRows - 1) / kBlockRows);
    cost_.push_back(row_cost(visit));
    first_.push_back(first_.back() + cost_.back() * blocks_.back());
  }
}

int64_t VisitCosts::block_at(size_t v, int64_t cost) const {
  const int64_t inside = cost - first_[v];
  if (inside <= 0)
    return 0;
  return std::min(blocks_[v], (inside + cost_[v] - 1) / cost_[v]);
}

}  // namespace hadal
