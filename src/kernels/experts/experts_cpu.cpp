// The experts of a layer as one pass over their weights.
//
// A piece of the plan (expert_visits.h) takes two regions of the thread team,
// for one token as for hundreds: gate, up and SwiGLU of all visits, by blocks
// of rows in file order; then down, where a thread owns rows of y and adds the
// visits in increasing order, the shared expert last, so that no partial sums
// wait to be joined. Few rows of activations are prepared by the caller, many
// by the team.
#include <algorithm>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/experts/expert_rows.h"
#include "kernels/experts/expert_visits.h"
#include "kernels/experts/experts.h"
#include "kernels/experts/swiglu.h"
#include "kernels/linear/product.h"

namespace hadal {
namespace {

constexpr int64_t kRowGrain = VisitCosts::kBlockRows;
// Outputs of one product call stay in the first or second level of the cache.
// At few tokens a call takes as many rows as there are: what it costs to begin
// is then paid seldom.
constexpr int64_t kOutputFloats = 16 * 1024;
// Values that are worth sharing out for preparation.
constexpr int64_t kSharedValues = 16 * 1024;

// What the calling thread keeps between calls.
struct CallerScratch {
  VisitPlan plan;
  VisitCosts costs;
  ExpertRows routed_x;
  ExpertRows shared_x;
  ExpertRows routed_a;
  ExpertRows shared_a;
  AlignedBuffer<float> a;  // [pairs of a piece, inner]
};

// What every thread keeps.
struct ThreadScratch {
  AlignedBuffer<std::byte> product;
  AlignedBuffer<float> gate;
  AlignedBuffer<float> up;
};

CallerScratch& caller_scratch() {
  thread_local CallerScratch scratch;
  return scratch;
}

ThreadScratch& thread_scratch() {
  thread_local ThreadScratch scratch;
  return scratch;
}

// Rows of a weight for one product call with `count` tokens.
int64_t rows_at_once(int64_t count) {
  return std::max(kRowGrain, kOutputFloats / count / kRowGrain * kRowGrain);
}

void prepare_all(const ExpertRows& rows, ThreadTeam& team) {
  if (rows.rows() * rows.cols() <= kSharedValues)
    return rows.prepare(0, rows.rows());
  team.parallel_for(rows.rows(), 1, [&](int64_t begin, int64_t end, int) {
    rows.prepare(begin, end);
  });
}

class Experts {
 public:
  Experts(const ExpertsParams& params, ThreadTeam& team)
      : params_(params), team_(team), scratch_(caller_scratch()) {}

  void run() {
    scratch_.plan.make(params_);
    prepare_x();
    bool first = true;
    for (; scratch_.plan.next_piece(); first = false) {
      lay_out_a();
      gate_and_up();
      prepare_all(scratch_.routed_a, team_);
      prepare_all(scratch_.shared_a, team_);
      down(first);
    }
    if (first)  // no experts at all
      std::fill_n(params_.y, params_.tokens * params_.hidden, 0.0F);
  }

 private:
  bool has_routed() const {
    return params_.per_token > 0 && params_.experts.experts > 0;
  }
  bool has_shared() const { return !params_.shared_gate.empty(); }

  // x in the forms of both groups; one copy where they agree.
  void prepare_x() {
    RowsForm routed;
    if (has_routed()) {
      const WeightView& gate = params_.experts.gate[0];
      check_product(gate, params_.expert_activation);
      routed = rows_form(params_, gate, params_.expert_activation);
      scratch_.routed_x.begin(
          routed, params_.x, params_.tokens, params_.hidden);
      prepare_all(scratch_.routed_x, team_);
      routed_x_ = &scratch_.routed_x;
    }
    if (!has_shared())
      return;
    check_product(params_.shared_gate, params_.shared_activation);
    const RowsForm shared =
        rows_form(params_, params_.shared_gate, params_.shared_activation);
    if (has_routed() && shared == routed) {
      shared_x_ = routed_x_;
      return;
    }
    scratch_.shared_x.begin(shared, params_.x, params_.tokens, params_.hidden);
    prepare_all(scratch_.shared_x, team_);
    shared_x_ = &scratch_.shared_x;
  }

  // Where the piece's values between the products stand: the routed pairs, then
  // the shared ones, whose rows may have another length.
  void lay_out_a() {
    const auto& visits = scratch_.plan.visits();
    int64_t routed_pairs = 0;
    int64_t shared_pairs = 0;
    for (const ExpertVisit& visit : visits)
      (visit.shared ? shared_pairs : routed_pairs) += visit.pairs();
    first_routed_ = visits.front().begin;
    first_shared_ = first_routed_ + routed_pairs;
    const int64_t routed_inner = visits.front().gate->rows;
    const int64_t shared_inner = visits.back().gate->rows;
    routed_a_ = scratch_.a.reserve(
        routed_pairs * routed_inner + shared_pairs * shared_inner);
    shared_a_ = routed_a_ + routed_pairs * routed_inner;
    const WeightView& routed_down = *visits.front().down;
    scratch_.routed_a.begin(
        rows_form(params_, routed_down, params_.expert_activation),
        routed_a_,
        routed_pairs,
        routed_inner);
    const WeightView& shared_down = *visits.back().down;
    scratch_.shared_a.begin(
        rows_form(params_, shared_down, params_.shared_activation),
        shared_a_,
        shared_pairs,
        shared_inner);
  }

  // The place of a visit's first value between the products.
  float* a_of(const ExpertVisit& visit) const {
    const int64_t inner = visit.gate->rows;
    return visit.shared ? shared_a_ + (visit.begin - first_shared_) * inner
                        : routed_a_ + (visit.begin - first_routed_) * inner;
  }

  ProductInput input_of(const ExpertVisit& visit) const {
    return visit.shared
               ? product_rows_from(
                     scratch_.shared_a.input(), visit.begin - first_shared_)
               : product_rows_from(
                     scratch_.routed_a.input(), visit.begin - first_routed_);
  }

  void gate_and_up() {
    const auto& visits = scratch_.plan.visits();
    scratch_.costs.make(visits);
    team_.parallel_for(
        scratch_.costs.total(), 1, [&](int64_t begin, int64_t end, int) {
          scratch_.costs.for_each_run(
              begin, end, [&](size_t v, int64_t r0, int64_t r1) {
                activate(visits[v], r0, r1);
              });
        });
  }

  // The rows [r0, r1) of gate and up.
  void activate(const ExpertVisit& visit, int64_t r0, int64_t r1) const {
    ThreadScratch& mine = thread_scratch();
    const int64_t count = visit.pairs();
    const int64_t inner = visit.gate->rows;
    const int64_t step = rows_at_once(count);
    const ProductInput& x = (visit.shared ? shared_x_ : routed_x_)->input();
    std::byte* memory = mine.product.reserve(product_scratch_bytes(x.cols));
    const int64_t outputs = count * std::min(step, r1 - r0);
    float* gate = mine.gate.reserve(outputs);
    float* up = mine.up.reserve(outputs);
    const int32_t* ids = scratch_.plan.tokens() + visit.begin;
    const float* weights = scratch_.plan.weights() + visit.begin;
    float* const a = a_of(visit);
    for (int64_t r = r0; r < r1; r += step) {
      const int64_t rows = std::min(step, r1 - r);
      product(x, ids, count, *visit.gate, r, r + rows, gate, rows, memory);
      product(x, ids, count, *visit.up, r, r + rows, up, rows, memory);
      for (int64_t i = 0; i < count; ++i)
        swiglu(
            gate + i * rows,
            up + i * rows,
            rows,
            params_.limit,
            weights[i],
            a + i * inner + r);
    }
  }

  void down(bool first) const {
    team_.parallel_for(
        params_.hidden, kRowGrain, [&](int64_t r0, int64_t r1, int) {
          if (first)
            for (int64_t t = 0; t < params_.tokens; ++t)
              std::fill_n(params_.y + t * params_.hidden + r0, r1 - r0, 0.0F);
          for (const ExpertVisit& visit : scratch_.plan.visits())
            add_down(visit, r0, r1);
        });
  }

  // y += down a for the rows [r0, r1) of down.
  void add_down(const ExpertVisit& visit, int64_t r0, int64_t r1) const {
    ThreadScratch& mine = thread_scratch();
    const ProductInput input = input_of(visit);
    const int64_t count = visit.pairs();
    const int64_t step = rows_at_once(count);
    std::byte* memory = mine.product.reserve(product_scratch_bytes(input.cols));
    float* out = mine.gate.reserve(count * std::min(step, r1 - r0));
    const int32_t* tokens = scratch_.plan.tokens() + visit.begin;
    for (int64_t r = r0; r < r1; r += step) {
      const int64_t rows = std::min(step, r1 - r);
      product(
          input, nullptr, count, *visit.down, r, r + rows, out, rows, memory);
      for (int64_t i = 0; i < count; ++i) {
        float* y = params_.y + tokens[i] * params_.hidden + r;
        for (int64_t j = 0; j < rows; ++j)
          y[j] += out[i * rows + j];
      }
    }
  }

  const ExpertsParams& params_;
  ThreadTeam& team_;
  CallerScratch& scratch_;
  const ExpertRows* routed_x_ = nullptr;
  const ExpertRows* shared_x_ = nullptr;
  int64_t first_routed_ = 0;  // pairs
  int64_t first_shared_ = 0;
  float* routed_a_ = nullptr;
  float* shared_a_ = nullptr;
};

}  // namespace

void experts_cpu(const ExpertsParams& params, ThreadTeam& team) {
  if (params.tokens > 0)
    Experts(params, team).run();
}

}  // namespace hadal
