// The pairs (token, expert) are sorted by expert and worked through in pieces.
// Per piece three steps, each shared among the threads: gate, up and SwiGLU by
// rows of the experts; the inputs of the down products by pairs; down by rows
// of y. A thread that owns rows of y adds the experts in increasing order, so
// no partial results wait to be summed. The shared expert comes last, as one
// more expert that every token visits.
#include <algorithm>
#include <cstdint>

#include "base/aligned_buffer.h"
#include "kernels/activation_rounding/activation_rounding.h"
#include "kernels/experts/experts.h"
#include "kernels/experts/swiglu.h"
#include "kernels/linear/product.h"

namespace hadal {
namespace {

constexpr int64_t kPiecePairs = 1024;
constexpr int64_t kRowGrain = 32;    // rows are handed out in such multiples
constexpr int64_t kRowsAtOnce = 64;  // of one product call

// What the calling thread keeps between calls.
struct CallerScratch {
  AlignedBuffer<int64_t> first;   // [experts + 1]: an expert's first pair
  AlignedBuffer<int32_t> tokens;  // [pairs], sorted by expert
  AlignedBuffer<float> weights;   // [pairs]
  AlignedBuffer<float> rounded;   // [tokens, hidden], for gemm_fp8
  AlignedBuffer<std::byte> x;     // prepared inputs
  AlignedBuffer<float> a;         // [piece, inner]
  AlignedBuffer<std::byte> a_prepared;
};

// What every thread keeps.
struct ThreadScratch {
  AlignedBuffer<std::byte> product;
  AlignedBuffer<float> gate;  // [pairs of an expert, kRowsAtOnce]
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

bool takes_fp8_input(const WeightView& weight) {
  return weight.format == WeightFormat::fp8_block ||
         weight.format == WeightFormat::mxfp8 ||
         weight.format == WeightFormat::mxfp4;
}

// Pairs [begin, end) of the sorted list that visit one expert.
struct Visit {
  const WeightView* gate;
  const WeightView* up;
  const WeightView* down;
  int64_t begin;
  int64_t end;
};

// Rows as the input of products with `weight`: as they are where they can be,
// else prepared in `memory`, after rounding in place when `rounded` says so.
ProductInput make_input(
    float* rows,
    int64_t count,
    int64_t cols,
    bool rounded,
    ActivationFormat format,
    AlignedBuffer<std::byte>& memory,
    ThreadTeam& team) {
  if (rounded)
    fp8_round_trip_cpu(
        {.x = rows, .stride = cols, .rows = count, .cols = cols, .block = 128},
        team);
  if (format == ActivationFormat::f32 && cols % 16 == 0)
    return {
        .format = format,
        .rows = count,
        .cols = cols,
        .values = rows,
        .stride = cols};
  const ProductInput input = lay_out_product_input(
      format,
      count,
      cols,
      memory.reserve(product_input_bytes(format, count, cols)));
  team.parallel_for(count, 1, [&](int64_t begin, int64_t end, int) {
    prepare_product_input(input, rows, cols, begin, end);
  });
  return input;
}

class Experts {
 public:
  Experts(const ExpertsParams& params, ThreadTeam& team)
      : params_(params), team_(team), scratch_(caller_scratch()) {}

  void run() {
    const int64_t outputs = params_.tokens * params_.hidden;
    team_.parallel_for(outputs, 4096, [&](int64_t begin, int64_t end, int) {
      std::fill(params_.y + begin, params_.y + end, 0.0F);
    });
    routed();
    if (!params_.shared_gate.empty())
      shared();
  }

 private:
  // x for products with `weight`. The parameters promise not to change x, so
  // rounding works on a copy.
  ProductInput x_input(const WeightView& weight, ActivationFormat format) {
    float* rows = const_cast<float*>(params_.x);
    const bool rounded = params_.gemm_fp8 && takes_fp8_input(weight);
    if (rounded) {
      const int64_t count = params_.tokens * params_.hidden;
      rows = scratch_.rounded.reserve(count);
      std::copy_n(params_.x, count, rows);
    }
    return make_input(
        rows,
        params_.tokens,
        params_.hidden,
        rounded,
        format,
        scratch_.x,
        team_);
  }

  // Sorts the pairs by expert; a token's pairs keep their order.
  void sort_pairs() {
    const int64_t experts = params_.experts.experts;
    const int64_t pairs = params_.tokens * params_.per_token;
    int64_t* first = scratch_.first.reserve(experts + 1);
    int32_t* tokens = scratch_.tokens.reserve(pairs);
    float* weights = scratch_.weights.reserve(pairs);
    std::fill_n(first, experts + 1, 0);
    for (int64_t i = 0; i < pairs; ++i)
      ++first[params_.indices[i] + 1];
    for (int64_t e = 0; e < experts; ++e)
      first[e + 1] += first[e];
    for (int64_t i = 0; i < pairs; ++i) {
      const int64_t at = first[params_.indices[i]]++;
      tokens[at] = static_cast<int32_t>(i / params_.per_token);
      weights[at] = params_.weights[i];
    }
    // Every entry has moved to the end of its expert: shift them back.
    for (int64_t e = experts; e > 0; --e)
      first[e] = first[e - 1];
    first[0] = 0;
  }

  void routed() {
    const ExpertWeights& all = params_.experts;
    const int64_t pairs = params_.tokens * params_.per_token;
    if (pairs == 0)
      return;
    sort_pairs();
    check_product(all.gate[0], params_.expert_activation);
    const ProductInput x = x_input(all.gate[0], params_.expert_activation);
    const int64_t* first = scratch_.first.data();
    int64_t e = 0;
    for (int64_t begin = 0; begin < pairs; begin += kPiecePairs) {
      const int64_t end = std::min(pairs, begin + kPiecePairs);
      visits_count_ = 0;
      Visit* visits = visits_.reserve(all.experts);
      while (first[e + 1] <= begin)
        ++e;
      for (int64_t v = e; v < all.experts && first[v] < end; ++v) {
        const int64_t from = std::max(begin, first[v]);
        const int64_t to = std::min(end, first[v + 1]);
        if (from < to)
          visits[visits_count_++] = {
              &all.gate[v], &all.up[v], &all.down[v], from, to};
      }
      piece(x, params_.expert_activation, begin, end);
    }
  }

  void shared() {
    check_product(params_.shared_gate, params_.shared_activation);
    const ProductInput x =
        x_input(params_.shared_gate, params_.shared_activation);
    int32_t* tokens = scratch_.tokens.reserve(params_.tokens);
    float* weights = scratch_.weights.reserve(params_.tokens);
    for (int64_t t = 0; t < params_.tokens; ++t) {
      tokens[t] = static_cast<int32_t>(t);
      weights[t] = 1;
    }
    for (int64_t begin = 0; begin < params_.tokens; begin += kPiecePairs) {
      const int64_t end = std::min(params_.tokens, begin + kPiecePairs);
      visits_.reserve(1)[0] = {
          &params_.shared_gate,
          &params_.shared_up,
          &params_.shared_down,
          begin,
          end};
      visits_count_ = 1;
      piece(x, params_.shared_activation, begin, end);
    }
  }

  // The pairs [begin, end), which the visits cover.
  void piece(
      const ProductInput& x,
      ActivationFormat activation,
      int64_t begin,
      int64_t end) {
    const Visit* visits = visits_.data();
    const int64_t inner = visits[0].gate->rows;
    float* a = scratch_.a.reserve((end - begin) * inner);
    team_.parallel_for(inner, kRowGrain, [&](int64_t r0, int64_t r1, int) {
      for (int64_t v = 0; v < visits_count_; ++v)
        activate(x, visits[v], a - begin * inner, r0, r1);
    });
    const WeightView& down = *visits[0].down;
    const ProductInput input = make_input(
        a,
        end - begin,
        inner,
        params_.gemm_fp8 && takes_fp8_input(down),
        activation,
        scratch_.a_prepared,
        team_);
    team_.parallel_for(
        params_.hidden, kRowGrain, [&](int64_t r0, int64_t r1, int) {
          for (int64_t v = 0; v < visits_count_; ++v)
            add_down(
                product_rows_from(input, visits[v].begin - begin),
                visits[v],
                r0,
                r1);
        });
  }

  // a[pair * inner + r] for the rows [r0, r1) of gate and up.
  void activate(
      const ProductInput& x,
      const Visit& visit,
      float* a,
      int64_t r0,
      int64_t r1) const {
    ThreadScratch& mine = thread_scratch();
    const int64_t count = visit.end - visit.begin;
    const int64_t inner = visit.gate->rows;
    std::byte* memory =
        mine.product.reserve(product_scratch_bytes(params_.hidden));
    float* gate = mine.gate.reserve(count * kRowsAtOnce);
    float* up = mine.up.reserve(count * kRowsAtOnce);
    const int32_t* ids = scratch_.tokens.data() + visit.begin;
    for (int64_t r = r0; r < r1; r += kRowsAtOnce) {
      const int64_t rows = std::min(kRowsAtOnce, r1 - r);
      product(x, ids, count, *visit.gate, r, r + rows, gate, rows, memory);
      product(x, ids, count, *visit.up, r, r + rows, up, rows, memory);
      for (int64_t i = 0; i < count; ++i)
        swiglu(
            gate + i * rows,
            up + i * rows,
            rows,
            params_.limit,
            scratch_.weights.data()[visit.begin + i],
            a + (visit.begin + i) * inner + r);
    }
  }

  // y += down a for the rows [r0, r1) of down. `input` begins at the visit.
  void add_down(
      const ProductInput& input,
      const Visit& visit,
      int64_t r0,
      int64_t r1) const {
    ThreadScratch& mine = thread_scratch();
    const int64_t count = visit.end - visit.begin;
    std::byte* memory = mine.product.reserve(product_scratch_bytes(input.cols));
    float* out = mine.gate.reserve(count * kRowsAtOnce);
    const int32_t* tokens = scratch_.tokens.data() + visit.begin;
    for (int64_t r = r0; r < r1; r += kRowsAtOnce) {
      const int64_t rows = std::min(kRowsAtOnce, r1 - r);
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
  AlignedBuffer<Visit> visits_;
  int64_t visits_count_ = 0;
};

}  // namespace

void experts_cpu(const ExpertsParams& params, ThreadTeam& team) {
  if (params.tokens > 0)
    Experts(params, team).run();
}

}  // namespace hadal
