#include "bench/kernel_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <span>

#include "base/check.h"
#include "kernels/synthetic_weight.h"

namespace hadal {

struct KernelRecorder::State {
  const Backend* inner = nullptr;
  std::map<std::string, KernelUse> uses;
  bool recording = false;
};

namespace {

// Kernels are plain functions, so the recorder that is at work is found here.
KernelRecorder::State* active = nullptr;

const char* name_of(ActivationFormat format) {
  switch (format) {
    case ActivationFormat::f32:
      return "f32";
    case ActivationFormat::bf16:
      return "bf16";
    case ActivationFormat::int8:
      return "int8";
    case ActivationFormat::int16:
      return "int16";
  }
  return "";
}

void add_product(
    KernelUse& use,
    const WeightView& weight,
    ActivationFormat activation,
    int64_t tokens) {
  const auto kind = static_cast<int>(product_arithmetic(activation));
  use.operations[kind] += 2.0 * static_cast<double>(weight.rows) *
                          static_cast<double>(weight.cols) *
                          static_cast<double>(tokens);
}

void add_weight(KernelUse& use, const WeightView& weight) {
  use.weight_bytes += static_cast<double>(stored_bytes(weight));
}

// What each kernel is called and what it must read and compute.
void describe(const LinearParams& params, KernelUse& use) {
  use.name = fmt::format(
      "linear {} {}x{} {}",
      format_name(params.weight),
      params.weight.rows,
      params.weight.cols,
      name_of(params.activation));
  add_weight(use, params.weight);
  add_product(use, params.weight, params.activation, params.tokens);
}

// Several products that run as one operation are named after the first kind of
// them and counted together.
void describe(std::span<const LinearParams> products, KernelUse& use) {
  int64_t others = 0;
  for (const LinearParams& params : products) {
    KernelUse one;
    describe(params, one);
    if (use.name.empty())
      use.name = one.name;
    others += one.name != use.name ? 1 : 0;
    add_weight(use, params.weight);
    add_product(use, params.weight, params.activation, params.tokens);
  }
  const auto alike = static_cast<int64_t>(products.size()) - others;
  if (alike > 1)
    use.name = fmt::format("{} x {}", alike, use.name);
  if (others > 0)
    use.name += fmt::format(" and {} others", others);
}

void describe(const ExpertsParams& params, KernelUse& use) {
  use.name = fmt::format(
      "experts {} {}, shared {} {}",
      format_name(params.experts.gate[0]),
      name_of(params.expert_activation),
      format_name(params.shared_gate),
      name_of(params.shared_activation));
  const std::set<int32_t> chosen(
      params.indices, params.indices + params.tokens * params.per_token);
  for (const int32_t expert : chosen)
    for (const WeightView* stack :
         {params.experts.gate, params.experts.up, params.experts.down})
      add_weight(use, stack[expert]);
  for (const WeightView* stack :
       {params.experts.gate, params.experts.up, params.experts.down})
    add_product(
        use,
        stack[0],
        params.expert_activation,
        params.tokens * params.per_token);
  for (const WeightView* weight :
       {&params.shared_gate, &params.shared_up, &params.shared_down}) {
    add_weight(use, *weight);
    add_product(use, *weight, params.shared_activation, params.tokens);
  }
}

template <class Params>
void describe_mixing(const Params& params, KernelUse& use) {
  add_weight(use, params.fn);
  add_product(use, params.fn, ActivationFormat::f32, params.tokens);
}
void describe(const HyperConnectionPreParams& params, KernelUse& use) {
  use.name = "hyper-connection pre";
  describe_mixing(params, use);
}
void describe(const HyperConnectionPostParams&, KernelUse& use) {
  use.name = "hyper-connection post";
}
void describe(const HyperConnectionBetweenParams& params, KernelUse& use) {
  use.name = "hyper-connection between";
  describe_mixing(params.pre, use);
}
void describe(const HyperConnectionHeadParams& params, KernelUse& use) {
  use.name = "hyper-connection head";
  describe_mixing(params, use);
}

void describe(const IndexerParams& params, KernelUse& use) {
  use.name = "indexer";
  const Arithmetic scores = params.rows.layout.format == RowFormat::fp4
                                ? Arithmetic::int8_dot
                                : Arithmetic::fp32_fma;
  for (int64_t t = 0; t < params.tokens; ++t) {
    const int64_t rows = (params.first_position + t + 1) / params.ratio;
    // All rows are taken unscored when they are few.
    if (rows <= params.top_k)
      continue;
    use.score_operations[static_cast<int>(scores)] +=
        2.0 * static_cast<double>(rows * params.heads * params.dim);
    use.cache_bytes +=
        static_cast<double>(rows * params.rows.layout.row_bytes());
  }
}

void describe(const SparseAttentionParams& params, KernelUse& use) {
  use.name = params.ratio == 0            ? "attention, window"
             : params.selected == nullptr ? "attention, window and all rows"
                                          : "attention, window and chosen rows";
  for (int64_t t = 0; t < params.tokens; ++t) {
    const int64_t position = params.first_position + t;
    int64_t rows = 0;
    if (params.ratio > 0)
      rows = params.selected != nullptr ? params.counts[t]
                                        : (position + 1) / params.ratio;
    const int64_t window = std::min(params.window, position + 1);
    use.score_operations[static_cast<int>(Arithmetic::fp32_fma)] +=
        4.0 * static_cast<double>((window + rows) * params.heads * params.dim);
    use.cache_bytes += static_cast<double>(
        window * params.window_layout.row_bytes() +
        rows * params.compressed.layout.row_bytes());
  }
}

void describe(const RouterParams&, KernelUse& use) {
  use.name = "router";
}
void describe(const RmsNormParams&, KernelUse& use) {
  use.name = "rms norm";
}
void describe(const RotaryParams&, KernelUse& use) {
  use.name = "rotary";
}
void describe(const Fp8RoundTripParams&, KernelUse& use) {
  use.name = "fp8 round trip";
}
void describe(const HadamardFp4Params&, KernelUse& use) {
  use.name = "hadamard fp4";
}
void describe(const CompressorPoolParams&, KernelUse& use) {
  use.name = "compressor pool";
}

double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Calls the kernel `kMember` and takes notes.
template <auto kMember, class Params>
void watch(const Params& params, ThreadTeam& team) {
  HADAL_CHECK(active != nullptr);
  const auto kernel = active->inner->*kMember;
  if (!active->recording) {
    kernel(params, team);
    return;
  }
  const double start = now();
  kernel(params, team);
  const double end = now();
  // After the call: a kernel may read lists that an earlier one has written.
  KernelUse use;
  describe(params, use);
  KernelUse& sum = active->uses[use.name];
  sum.name = use.name;
  sum.calls += 1;
  sum.seconds += end - start;
  sum.weight_bytes += use.weight_bytes;
  sum.cache_bytes += use.cache_bytes;
  for (int i = 0; i < kArithmeticCount; ++i) {
    sum.operations[i] += use.operations[i];
    sum.score_operations[i] += use.score_operations[i];
  }
}

// These stand in the table in place of the kernel `kMember`.
template <auto kMember, class Params>
void watched(const Params& params, ThreadTeam& team) {
  watch<kMember>(params, team);
}
template <auto kMember>
void watched_list(std::span<const LinearParams> products, ThreadTeam& team) {
  watch<kMember>(products, team);
}

}  // namespace

KernelRecorder::KernelRecorder(const Backend& inner)
    : backend_(inner), state_(std::make_unique<State>()) {
  HADAL_CHECK(active == nullptr);
  state_->inner = &inner;
  backend_.linear = watched<&Backend::linear>;
  backend_.linear_many = watched_list<&Backend::linear_many>;
  backend_.experts = watched<&Backend::experts>;
  backend_.router = watched<&Backend::router>;
  backend_.rms_norm = watched<&Backend::rms_norm>;
  backend_.rotary = watched<&Backend::rotary>;
  backend_.hyper_connection_pre = watched<&Backend::hyper_connection_pre>;
  backend_.hyper_connection_post = watched<&Backend::hyper_connection_post>;
  backend_.hyper_connection_between =
      watched<&Backend::hyper_connection_between>;
  backend_.hyper_connection_head = watched<&Backend::hyper_connection_head>;
  backend_.fp8_round_trip = watched<&Backend::fp8_round_trip>;
  backend_.hadamard_fp4 = watched<&Backend::hadamard_fp4>;
  backend_.compressor_pool = watched<&Backend::compressor_pool>;
  backend_.indexer = watched<&Backend::indexer>;
  backend_.sparse_attention = watched<&Backend::sparse_attention>;
  active = state_.get();
}

KernelRecorder::~KernelRecorder() {
  active = nullptr;
}

void KernelRecorder::start() {
  state_->uses.clear();
  state_->recording = true;
}

void KernelRecorder::stop() {
  state_->recording = false;
}

std::vector<KernelUse> KernelRecorder::uses() const {
  std::vector<KernelUse> all;
  for (const auto& [name, use] : state_->uses)
    all.push_back(use);
  std::stable_sort(
      all.begin(), all.end(), [](const KernelUse& a, const KernelUse& b) {
        return a.seconds > b.seconds;
      });
  return all;
}

}  // namespace hadal
